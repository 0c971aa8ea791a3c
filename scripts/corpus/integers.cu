// Integers: division, bits, carries, products of twice the width.

extern "C" __global__ void divisions_32(int *out, const int *a, const int *b, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    unsigned ua = a[i], ub = b[i];
    int row[8] = {a[i] / b[i], a[i] % b[i], (int)(ua / ub), (int)(ua % ub), a[i] / 7, (int)(ua % 10), a[i] / 16, a[i] % 1000};
    for (int r = 0; r < 8; r++) out[r * n + i] = row[r];
}

extern "C" __global__ void divisions_64(long long *out, const long long *a, const long long *b, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    unsigned long long ua = a[i], ub = b[i];
    long long row[8] = {a[i] / b[i], a[i] % b[i], (long long)(ua / ub), (long long)(ua % ub),
                        a[i] / 1000000007LL, a[i] % 10, __mul64hi(a[i], b[i]), (long long)__umul64hi(ua, ub)};
    for (int r = 0; r < 8; r++) out[r * n + i] = row[r];
}

extern "C" __global__ void bits_32(unsigned *out, const unsigned *a, const unsigned *b, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    unsigned x = a[i], y = b[i], extracted, inserted;
    asm("bfe.u32 %0, %1, %2, %3;" : "=r"(extracted) : "r"(x), "r"(y & 31), "r"(y >> 8 & 15));
    asm("bfi.b32 %0, %1, %2, %3, %4;" : "=r"(inserted) : "r"(x), "r"(y), "r"(y & 31), "r"(x & 31));
    unsigned row[16] = {(unsigned)__popc(x), (unsigned)__clz(x), __brev(x), (unsigned)__ffs(x), __byte_perm(x, y, 0x2705),
                        __funnelshift_l(x, y, y & 63), __funnelshift_rc(x, y, x & 63), __umulhi(x, y),
                        (unsigned)__dp4a((int)x, (int)y, (int)i), __vadd4(x, y), __usad(x, y, 5u), x << (y & 31), extracted, inserted,
                        (x & y) ^ (~x | (y >> 3)), __uhadd(x, y)};
    for (int r = 0; r < 16; r++) out[r * n + i] = row[r];
}

// 256-bit sums and products by carry chains.
extern "C" __global__ void wide_integers(unsigned *out, const unsigned *a, const unsigned *b) {
    int i = threadIdx.x;
    const unsigned *x = a + i * 4, *y = b + i * 4;
    unsigned s[4];
    asm("add.cc.u32 %0, %4, %8; addc.cc.u32 %1, %5, %9; addc.cc.u32 %2, %6, %10; addc.u32 %3, %7, %11;"
        : "=r"(s[0]), "=r"(s[1]), "=r"(s[2]), "=r"(s[3])
        : "r"(x[0]), "r"(x[1]), "r"(x[2]), "r"(x[3]), "r"(y[0]), "r"(y[1]), "r"(y[2]), "r"(y[3]));
    unsigned __int128 p = (unsigned __int128)((unsigned long long)x[1] << 32 | x[0]) * ((unsigned long long)y[1] << 32 | y[0]);
    for (int j = 0; j < 4; j++) out[i * 8 + j] = s[j], out[i * 8 + 4 + j] = (unsigned)(p >> 32 * j);
}
