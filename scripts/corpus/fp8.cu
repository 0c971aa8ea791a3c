// Eight-bit floating point, converted by the hardware where it can.
#include <cuda_fp8.h>

extern "C" __global__ void fp8_round_trip(float *out, unsigned char *bytes, const float *in, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    __nv_fp8_e4m3 a(in[i]);
    __nv_fp8_e5m2 b(in[i]);
    out[i] = float(a), out[n + i] = float(b);
    bytes[i] = a.__x, bytes[n + i] = b.__x;
}
