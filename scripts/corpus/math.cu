// Functions of the mathematics library, fast ones, and every way of rounding.

extern "C" __global__ void math_f32(float *out, const float *x, const float *y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float a = x[i], b = y[i], whole, row[24] = {
        sinf(a), cosf(a), tanf(a), expf(a / 8), logf(fabsf(a) + 0.1f), powf(fabsf(a), b / 4), sqrtf(fabsf(a)), cbrtf(a),
        atan2f(a, b), asinf(sinf(a)), sinhf(a / 8), tanhf(a), erff(a / 4), lgammaf(fabsf(a) + 1), fmodf(a, b), hypotf(a, b),
        floorf(a), rintf(a), truncf(a), copysignf(a, b), a / b, fmaf(a, b, a), exp2f(a / 8), log1pf(fabsf(a))};
    for (int r = 0; r < 24; r++) out[r * n + i] = row[r];
    out[24 * n + i] = modff(a, &whole);
    int exponent;
    out[25 * n + i] = frexpf(a, &exponent) + exponent;
    out[26 * n + i] = sinf(a * 1e6f); // the slow reduction of large arguments
}

extern "C" __global__ void math_f64(double *out, const double *x, const double *y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    double a = x[i], b = y[i], row[20] = {
        sin(a), cos(a), tan(a), exp(a / 4), log(fabs(a) + 0.1), pow(fabs(a), b / 4), sqrt(fabs(a)), cbrt(a), atan2(a, b), asin(sin(a)),
        sinh(a / 8), tanh(a), erf(a / 4), tgamma(fabs(a) / 8 + 1), fmod(a, b), hypot(a, b), floor(a), rint(a), a / b, fma(a, b, a)};
    for (int r = 0; r < 20; r++) out[r * n + i] = row[r];
}

// Every way of rounding, the fast functions, and conversions that saturate.
extern "C" __global__ void rounding(float *out, const float *x, const float *y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float a = x[i], b = y[i], row[20] = {
        __fadd_rn(a, b), __fadd_rz(a, b), __fadd_ru(a, b), __fadd_rd(a, b), __fmul_rz(a, b), __fdiv_ru(a, b), __fsqrt_rd(fabsf(a)),
        __fmaf_rz(a, b, a), (float)__float2int_rn(a), (float)__float2int_rd(a), (float)__float2uint_ru(a), (float)__float2ll_rz(a * 1e9f),
        __saturatef(a), __fdividef(a, b), __expf(a / 8), __sinf(a / 8), __log2f(fabsf(a) + 1), __frsqrt_rn(fabsf(a) + 1),
        fminf(a, b), (float)(signed char)(int)a};
    for (int r = 0; r < 20; r++) out[r * n + i] = row[r];
}
