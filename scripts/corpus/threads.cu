// What threads do on their own: loops, branches, local arrays, constants, images.

extern "C" __global__ void nbody(float4 *acceleration, const float4 *bodies, int n, float softening) {
    __shared__ float4 tile[128];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float4 me = bodies[i];
    float3 sum = make_float3(0, 0, 0);
    for (int start = 0; start < n; start += blockDim.x) {
        tile[threadIdx.x] = bodies[start + threadIdx.x];
        __syncthreads();
#pragma unroll 8
        for (int j = 0; j < 128; j++) {
            float dx = tile[j].x - me.x, dy = tile[j].y - me.y, dz = tile[j].z - me.z;
            float inverse = rsqrtf(dx * dx + dy * dy + dz * dz + softening);
            float s = tile[j].w * inverse * inverse * inverse;
            sum.x += dx * s, sum.y += dy * s, sum.z += dz * s;
        }
        __syncthreads();
    }
    acceleration[i] = make_float4(sum.x, sum.y, sum.z, 0);
}

extern "C" __global__ void mandelbrot(int *out, int width, int height, int limit) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    double cr = -2.0 + 3.0 * x / width, ci = -1.0 + 2.0 * y / height, r = 0, i = 0;
    int steps = 0;
    while (steps < limit && r * r + i * i <= 4.0) {
        double next = r * r - i * i + cr;
        i = 2 * r * i + ci, r = next, steps++;
    }
    out[y * width + x] = steps;
}

// Sobel's gradient of an image of four channels, without textures.
extern "C" __global__ void sobel(uchar4 *out, const uchar4 *in, int width, int height) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height) return;
    int gx[3] = {}, gy[3] = {};
#pragma unroll
    for (int dy = -1; dy <= 1; dy++)
#pragma unroll
        for (int dx = -1; dx <= 1; dx++) {
            uchar4 p = in[min(max(y + dy, 0), height - 1) * width + min(max(x + dx, 0), width - 1)];
            int wx = dx * (2 - dy * dy), wy = dy * (2 - dx * dx);
            gx[0] += wx * p.x, gx[1] += wx * p.y, gx[2] += wx * p.z;
            gy[0] += wy * p.x, gy[1] += wy * p.y, gy[2] += wy * p.z;
        }
    unsigned char c[3];
    for (int i = 0; i < 3; i++) c[i] = min(255, (abs(gx[i]) + abs(gy[i])) / 4);
    out[y * width + x] = make_uchar4(c[0], c[1], c[2], in[y * width + x].w);
}

// Dense cases: a jump table.
extern "C" __global__ void switches(int *out, const int *in, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    int x = in[i], r = 0;
    for (int step = 0; step < 4; step++) {
        switch (x & 15) {
        case 0: r += x; break;
        case 1: r ^= 0x55; break;
        case 2: r = r * 3 + 1; break;
        case 3: r -= x >> 2;
        case 4: r += 7; break;
        case 5: r = ~r; break;
        case 6: r <<= 1; break;
        case 7: r >>= 1; break;
        case 8: r = __popc(r); break;
        case 9: r |= x; break;
        case 10: r &= 0xffff; break;
        case 11: r = -r; break;
        case 12: r += step; break;
        default: r = r * 31 + x;
        }
        x = (x >> 3) + r % 16;
    }
    out[i] = r;
}

// An array that is indexed at run time lives in local memory.
extern "C" __global__ void insertion_sort(short *data) {
    short mine[24], *from = data + (blockIdx.x * blockDim.x + threadIdx.x) * 24;
    for (int i = 0; i < 24; i++) mine[i] = from[i];
    for (int i = 1; i < 24; i++) {
        short x = mine[i];
        int j = i;
        for (; j > 0 && mine[j - 1] > x; j--) mine[j] = mine[j - 1];
        mine[j] = x;
    }
    for (int i = 0; i < 24; i++) from[i] = mine[i];
}

__constant__ float coefficients[8] = {1, -0.5f, 0.25f, -0.125f, 0.0625f, 2, -3, 0.5f};
extern "C" __global__ void constants(float *out, const float *x, int n) {
    int i = blockIdx.z * blockDim.z * 64 + threadIdx.z * 64 + threadIdx.y * 8 + threadIdx.x;
    if (i >= n) return;
    float sum = 0;
    for (int c = 7; c >= 0; c--) sum = sum * x[i] + coefficients[c];
    out[i] = sum * coefficients[i % 8];
}

// xorshift, and a count of points in a circle.
extern "C" __global__ void monte_carlo(unsigned long long *inside, unsigned seed, int rounds) {
    unsigned s = seed ^ (blockIdx.x * blockDim.x + threadIdx.x + 1) * 2654435761u, hits = 0;
    auto next = [&] {
        s ^= s << 13, s ^= s >> 17, s ^= s << 5;
        return s >> 8;
    };
    for (int r = 0; r < rounds; r++) {
        float x = next() * 0x1p-24f, y = next() * 0x1p-24f;
        hits += x * x + y * y < 1.0f;
    }
    atomicAdd(inside, (unsigned long long)hits);
}
