// Barriers that are objects in shared memory.

#if __CUDA_ARCH__ >= 800
// An mbarrier that all threads arrive at, several phases.
extern "C" __global__ void mbarrier_phases(int *out, const int *in, int rounds) {
    __shared__ __align__(8) unsigned long long barrier;
    __shared__ int box[64];
    unsigned at = __cvta_generic_to_shared(&barrier);
    if (threadIdx.x == 0) asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(at), "r"(64));
    __syncthreads();
    int value = in[threadIdx.x];
    for (int r = 0; r < rounds; r++) {
        box[threadIdx.x] = value;
        for (int half = 0; half < 2; half++) {
            unsigned long long state;
            asm volatile("mbarrier.arrive.shared.b64 %0, [%1];" : "=l"(state) : "r"(at) : "memory");
            int done = 0;
            while (!done)
                asm volatile("{ .reg .pred p; mbarrier.test_wait.shared.b64 p, [%1], %2; selp.b32 %0, 1, 0, p; }"
                             : "=r"(done) : "r"(at), "l"(state) : "memory");
            if (half == 0) value += box[(threadIdx.x + 1) % 64];
        }
    }
    out[threadIdx.x] = value;
}
#endif
