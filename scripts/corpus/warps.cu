// What the lanes of a warp tell each other.

extern "C" __global__ void warp_votes(unsigned *out, const int *in) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, x = in[i];
    unsigned *row = out + i * 8;
    row[0] = __ballot_sync(~0u, x > 0);
    row[1] = __any_sync(~0u, x == 3);
    row[2] = __all_sync(~0u, x >= -4);
    row[3] = __match_any_sync(~0u, x);
    int same;
    row[4] = __match_all_sync(~0u, x / 8, &same) + same;
    row[5] = 0;
    if (x > 0) row[5] = __activemask(), row[5] += __popc(__ballot_sync(row[5], x == 2));
    row[6] = __shfl_sync(~0u, x, threadIdx.x % 8 + 1, 16);
    row[7] = __shfl_up_sync(~0u, x, 3) * 100 + __shfl_xor_sync(~0u, x, 5);
}

#if __CUDA_ARCH__ >= 800
extern "C" __global__ void warp_reductions(int *out, const int *in) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, x = in[i];
    int row[6] = {__reduce_add_sync(~0u, x), __reduce_min_sync(~0u, x), __reduce_max_sync(~0u, x),
                  (int)__reduce_and_sync(~0u, (unsigned)x), (int)__reduce_or_sync(~0u, (unsigned)x), (int)__reduce_xor_sync(~0u, (unsigned)x)};
    for (int r = 0; r < 6; r++) out[i * 6 + r] = row[r];
}
#endif
