// Arithmetic and functions of half and bfloat16, one number or two at a time.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

extern "C" __global__ void half2_axpy(__half2 *y, const __half2 *x, __half a, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = __hfma2(__half2half2(a), x[i], y[i]);
}

// What half precision offers: arithmetic, comparisons, functions, conversions; one row of results a function.
extern "C" __global__ void half_functions(__half *out, const __half *a, const __half *b, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    __half x = a[i], y = b[i];
    out[0 * n + i] = x + y;
    out[1 * n + i] = x - y;
    out[2 * n + i] = x * y;
    out[3 * n + i] = x / y;
    out[4 * n + i] = __hmin(x, y);
    out[5 * n + i] = __hmax(x, y);
    out[6 * n + i] = hsqrt(__habs(x));
    out[7 * n + i] = hexp(x * __float2half(0.25f));
    out[8 * n + i] = hfloor(x);
    out[9 * n + i] = __float2half(x < y ? 1.0f : x == y ? 2.0f : 3.0f);
    out[10 * n + i] = __int2half_rn(__half2int_rz(x));
    out[11 * n + i] = __hneg(x);
}

#if __CUDA_ARCH__ >= 800
extern "C" __global__ void bfloat_functions(__nv_bfloat16 *out, const __nv_bfloat16 *a, const __nv_bfloat16 *b, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    __nv_bfloat162 x = __halves2bfloat162(a[2 * i], a[2 * i + 1]), y = __halves2bfloat162(b[2 * i], b[2 * i + 1]);
    __nv_bfloat162 rows[4] = {__hadd2(x, y), __hmul2(x, y), __hfma2(x, y, x), __hmax2(x, y)};
    for (int r = 0; r < 4; r++) {
        out[r * 2 * n + 2 * i] = __low2bfloat16(rows[r]);
        out[r * 2 * n + 2 * i + 1] = __high2bfloat16(rows[r]);
    }
}
#endif
