// Functions that are called: recursive ones, with structures, through pointers.

__device__ __noinline__ unsigned fibonacci(unsigned n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

__device__ __noinline__ int ackermann(int m, int n) {
    if (m == 0) return n + 1;
    return n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

extern "C" __global__ void recursion(unsigned *out, int n) {
    int i = threadIdx.x;
    if (i < n) out[i] = i % 2 ? fibonacci(i / 2) : ackermann(2, i / 4);
}

struct Split {
    long long quotient;
    int remainder;
    float ratio;
};

__device__ __noinline__ Split split(long long a, int b) { return {a / b, (int)(a % b), (float)a / b}; }
__device__ __noinline__ void swap(double &a, double &b) {
    double t = a;
    a = b, b = t;
}

extern "C" __global__ void calls(double *out, const long long *a, const int *b, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    Split s = split(a[i], b[i]);
    double x = s.quotient, y = s.remainder;
    if (i & 1) swap(x, y);
    out[3 * i] = x, out[3 * i + 1] = y, out[3 * i + 2] = s.ratio;
}

typedef float (*Function)(float, float);
__device__ __noinline__ float plus(float a, float b) { return a + b; }
__device__ __noinline__ float minus(float a, float b) { return a - b; }
__device__ __noinline__ float times(float a, float b) { return a * b; }
__device__ __noinline__ float larger(float a, float b) { return a > b ? a : b; }
__device__ Function functions[4] = {plus, minus, times, larger};

extern "C" __global__ void function_pointers(float *out, const float *a, const float *b, const int *which) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    out[i] = functions[which[i]](a[i], b[i]);
}
