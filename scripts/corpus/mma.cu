// Matrix products on tensor cores by hand: mma.sync, ldmatrix, cp.async.
#include <cuda_fp16.h>

// m16n8k8, fragments loaded by ldmatrix from shared memory: A by rows, B by rows and transposed on the way.
extern "C" __global__ void mma_m16n8k8(float *d, const __half *a, const __half *b) {
    __shared__ __align__(16) __half as[16][8], bs[8][8];
    int lane = threadIdx.x;
    for (int i = lane; i < 128; i += 32) as[i / 8][i % 8] = a[i];
    for (int i = lane; i < 64; i += 32) bs[i / 8][i % 8] = b[i];
    __syncthreads();
    unsigned fa[2], fb;
    unsigned at = __cvta_generic_to_shared(&as[lane % 16][0]), bt = __cvta_generic_to_shared(&bs[lane % 8][0]);
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];" : "=r"(fa[0]), "=r"(fa[1]) : "r"(at));
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];" : "=r"(fb) : "r"(bt));
    float c[4] = {};
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(fa[0]), "r"(fa[1]), "r"(fb));
    int row = lane / 4, col = lane % 4 * 2;
    d[row * 8 + col] = c[0], d[row * 8 + col + 1] = c[1];
    d[(row + 8) * 8 + col] = c[2], d[(row + 8) * 8 + col + 1] = c[3];
}

#if __CUDA_ARCH__ >= 800
// A 16 by 8 tile a warp over a long k: tiles arrive by cp.async in two buffers while the other is multiplied.
extern "C" __global__ void mma_pipelined(float *d, const __half *a, const __half *b, int n, int k) {
    __shared__ __align__(16) __half as[2][16][16], bs[2][8][16];
    int lane = threadIdx.x, row0 = blockIdx.y * 16, col0 = blockIdx.x * 8;
    auto fetch = [&](int buffer, int k0) {
        unsigned to = __cvta_generic_to_shared(&as[buffer][lane / 2][lane % 2 * 8]);
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(a + (row0 + lane / 2) * k + k0 + lane % 2 * 8));
        if (lane < 16) {
            to = __cvta_generic_to_shared(&bs[buffer][lane / 2][lane % 2 * 8]);
            asm volatile("cp.async.ca.shared.global [%0], [%1], 16;" ::"r"(to), "l"(b + (col0 + lane / 2) * k + k0 + lane % 2 * 8));
        }
        asm volatile("cp.async.commit_group;");
    };
    float c[4] = {};
    fetch(0, 0);
    for (int k0 = 0, now = 0; k0 < k; k0 += 16, now ^= 1) {
        if (k0 + 16 < k) {
            fetch(now ^ 1, k0 + 16);
            asm volatile("cp.async.wait_group 1;");
        } else {
            asm volatile("cp.async.wait_group 0;");
        }
        __syncthreads();
        unsigned fa[4], fb[2];
        unsigned at = __cvta_generic_to_shared(&as[now][lane % 16][lane / 16 * 8]);
        unsigned bt = __cvta_generic_to_shared(&bs[now][lane % 8][lane / 8 % 2 * 8]);
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=r"(fa[0]), "=r"(fa[1]), "=r"(fa[2]), "=r"(fa[3]) : "r"(at));
        asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];" : "=r"(fb[0]), "=r"(fb[1]) : "r"(bt));
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                     : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                     : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[0]), "r"(fb[1]));
        __syncthreads();
    }
    int row = row0 + lane / 4, col = col0 + lane % 4 * 2;
    d[row * n + col] = c[0], d[row * n + col + 1] = c[1];
    d[(row + 8) * n + col] = c[2], d[(row + 8) * n + col + 1] = c[3];
}

// m16n8k8 in tf32: operands are rounded by cvt.rna.
extern "C" __global__ void mma_tf32(float *d, const float *a, const float *b) {
    int lane = threadIdx.x, group = lane / 4, in_group = lane % 4;
    auto tf32 = [](float x) {
        unsigned r;
        asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(x));
        return r;
    };
    unsigned fa[4] = {tf32(a[group * 8 + in_group]), tf32(a[(group + 8) * 8 + in_group]), tf32(a[group * 8 + in_group + 4]),
                      tf32(a[(group + 8) * 8 + in_group + 4])};
    unsigned fb[2] = {tf32(b[in_group * 8 + group]), tf32(b[(in_group + 4) * 8 + group])};
    float c[4] = {};
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                 : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[0]), "r"(fb[1]));
    d[group * 8 + in_group * 2] = c[0], d[group * 8 + in_group * 2 + 1] = c[1];
    d[(group + 8) * 8 + in_group * 2] = c[2], d[(group + 8) * 8 + in_group * 2 + 1] = c[3];
}

// m16n8k32 of bytes.
extern "C" __global__ void mma_s8(int *d, const int *a, const int *b) {
    int lane = threadIdx.x, group = lane / 4, in_group = lane % 4;
    // Rows of 32 bytes are 8 words; A is 16 rows of k, B is 8 columns of k.
    int fa[4] = {a[group * 8 + in_group], a[(group + 8) * 8 + in_group], a[group * 8 + in_group + 4], a[(group + 8) * 8 + in_group + 4]};
    int fb[2] = {b[group * 8 + in_group], b[group * 8 + in_group + 4]};
    int c[4] = {1, 2, 3, 4};
    asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
                 : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[0]), "r"(fb[1]));
    d[group * 8 + in_group * 2] = c[0], d[group * 8 + in_group * 2 + 1] = c[1];
    d[(group + 8) * 8 + in_group * 2] = c[2], d[(group + 8) * 8 + in_group * 2 + 1] = c[3];
}
#endif
