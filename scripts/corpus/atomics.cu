// Atomics, and threads that wait for each other.
#include <cuda_fp16.h>

extern "C" __global__ void atomics_32(int *cells, const int *in, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    int x = in[i];
    atomicAdd(&cells[0], x);
    atomicSub(&cells[1], x);
    atomicMin(&cells[2], x);
    atomicMax(&cells[3], x);
    atomicAnd(&cells[4], x | 0x0f0f);
    atomicOr(&cells[5], x & 0xff);
    atomicXor(&cells[6], x);
    atomicInc((unsigned *)&cells[7], 9);
    atomicDec((unsigned *)&cells[8], 12);
    for (int old = cells[9], seen; (seen = atomicCAS(&cells[9], old, old + x)) != old;) old = seen;
    cells[16 + atomicAdd(&cells[10], 1)] = x;
    atomicExch(&cells[11], 77);
}

extern "C" __global__ void atomics_wide(unsigned long long *wide, float *single, double *twice, __half2 *halves, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    atomicAdd(&wide[0], (unsigned long long)i << 20);
    atomicMax(&wide[1], (unsigned long long)i * 0x100000001ull);
    atomicCAS(&wide[2], 0ull, 5ull);
    atomicXor(&wide[3], 1ull << (i % 64));
    atomicAdd(single, 0.5f);
    atomicAdd(twice, 0.25 * i);
    atomicAdd(&halves[i % 4], __floats2half2_rn(1, 2));
}

// A lock that one lane of each warp takes for its warp, and one that every thread takes for itself: lanes of a warp wait for
// each other.
extern "C" __global__ void spin_lock(int *lock, volatile int *count, int *own_lock, volatile int *own_count) {
    if (threadIdx.x % 32 == 0) {
        while (atomicCAS(lock, 0, 1) != 0) {}
        __threadfence();
        *count = *count + 1;
        __threadfence();
        atomicExch(lock, 0);
    }
    bool done = false;
    while (!done) {
        if (atomicExch(own_lock, 1) == 0) {
            __threadfence();
            *own_count = *own_count + 1;
            __threadfence();
            atomicExch(own_lock, 0);
            done = true;
        }
    }
}

// One warp makes values, the others of the block wait for a flag.
extern "C" __global__ void producer_consumer(int *out, int rounds) {
    __shared__ volatile int ready, taken, value;
    if (threadIdx.x == 0) ready = 0, taken = 0;
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int r = 1; r <= rounds; r++) {
            while (taken != r - 1) {}
            value = r * r;
            __threadfence_block();
            ready = r;
        }
    } else if (threadIdx.x == 32) {
        for (int r = 1; r <= rounds; r++) {
            while (ready != r) {}
            out[r - 1] = value;
            __threadfence_block();
            taken = r;
        }
    }
}
