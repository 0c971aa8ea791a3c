// Work that the threads of a block share: reductions, scans, sorting, tiles in shared memory.

extern "C" __global__ void reduce_sum(float *out, const float *in, int n) {
    __shared__ float partial[256];
    float sum = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) sum += in[i];
    partial[threadIdx.x] = sum;
    __syncthreads();
    for (int stride = blockDim.x / 2; stride > 0; stride /= 2) {
        if (threadIdx.x < stride) partial[threadIdx.x] += partial[threadIdx.x + stride];
        __syncthreads();
    }
    if (threadIdx.x == 0) atomicAdd(out, partial[0]);
}

// Minimum, maximum and where the maximum is, by warp shuffles and one value a warp in shared memory.
extern "C" __global__ void reduce_extremes(int *low, int *high, int *where, const int *in, int n) {
    __shared__ int lows[32], highs[32], places[32];
    int i = threadIdx.x, least = 0x7fffffff, most = -0x7fffffff - 1, place = -1;
    for (; i < n; i += blockDim.x) {
        least = min(least, in[i]);
        if (in[i] > most) most = in[i], place = i;
    }
    for (int offset = 16; offset > 0; offset /= 2) {
        least = min(least, __shfl_down_sync(~0u, least, offset));
        int other = __shfl_down_sync(~0u, most, offset), other_place = __shfl_down_sync(~0u, place, offset);
        if (other > most || (other == most && other_place < place)) most = other, place = other_place;
    }
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    if (lane == 0) lows[warp] = least, highs[warp] = most, places[warp] = place;
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int w = 1; w < blockDim.x / 32; w++) {
            least = min(least, lows[w]);
            if (highs[w] > most || (highs[w] == most && places[w] < place)) most = highs[w], place = places[w];
        }
        *low = least, *high = most, *where = place;
    }
}

// The last block to finish adds up what the others left: one pass, no second launch.
__device__ unsigned finished = 0;
extern "C" __global__ void reduce_last_block(double *total, double *partials, const double *in, int n) {
    __shared__ double partial[128];
    __shared__ bool last;
    double sum = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) sum += in[i];
    partial[threadIdx.x] = sum;
    __syncthreads();
    for (int stride = blockDim.x / 2; stride > 0; stride >>= 1) {
        if (threadIdx.x < stride) partial[threadIdx.x] += partial[threadIdx.x + stride];
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        partials[blockIdx.x] = partial[0];
        __threadfence();
        last = atomicInc(&finished, gridDim.x - 1) == gridDim.x - 1;
    }
    __syncthreads();
    if (last && threadIdx.x == 0) {
        double all = 0;
        for (int b = 0; b < gridDim.x; b++) all += ((volatile double *)partials)[b];
        *total = all;
    }
}

// Inclusive scan of each block by Hillis and Steele, double-buffered.
extern "C" __global__ void scan_inclusive(int *out, const int *in) {
    __shared__ int buffer[2][512];
    int i = threadIdx.x, from = 0;
    buffer[0][i] = in[blockIdx.x * blockDim.x + i];
    __syncthreads();
    for (int offset = 1; offset < blockDim.x; offset *= 2) {
        buffer[1 - from][i] = buffer[from][i] + (i >= offset ? buffer[from][i - offset] : 0);
        from = 1 - from;
        __syncthreads();
    }
    out[blockIdx.x * blockDim.x + i] = buffer[from][i];
}

// Exclusive scan of one block by Blelloch: up-sweep and down-sweep.
extern "C" __global__ void scan_exclusive(float *out, const float *in, int n) {
    extern __shared__ float data[];
    int i = threadIdx.x, offset = 1;
    data[2 * i] = in[2 * i];
    data[2 * i + 1] = in[2 * i + 1];
    for (int pairs = n / 2; pairs > 0; pairs /= 2, offset *= 2) {
        __syncthreads();
        if (i < pairs) data[offset * (2 * i + 2) - 1] += data[offset * (2 * i + 1) - 1];
    }
    if (i == 0) data[n - 1] = 0;
    for (int pairs = 1; pairs < n; pairs *= 2) {
        offset /= 2;
        __syncthreads();
        if (i < pairs) {
            float left = data[offset * (2 * i + 1) - 1];
            data[offset * (2 * i + 1) - 1] = data[offset * (2 * i + 2) - 1];
            data[offset * (2 * i + 2) - 1] += left;
        }
    }
    __syncthreads();
    out[2 * i] = data[2 * i];
    out[2 * i + 1] = data[2 * i + 1];
}

extern "C" __global__ void histogram(unsigned *bins, const unsigned char *in, int n) {
    __shared__ unsigned local[256];
    local[threadIdx.x] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) atomicAdd(&local[in[i]], 1u);
    __syncthreads();
    atomicAdd(&bins[threadIdx.x], local[threadIdx.x]);
}

extern "C" __global__ void transpose(float *out, const float *in, int width, int height) {
    __shared__ float tile[32][33];
    int x = blockIdx.x * 32 + threadIdx.x, y = blockIdx.y * 32 + threadIdx.y;
#pragma unroll
    for (int j = 0; j < 32; j += 8)
        if (x < width && y + j < height) tile[threadIdx.y + j][threadIdx.x] = in[(y + j) * width + x];
    __syncthreads();
    x = blockIdx.y * 32 + threadIdx.x, y = blockIdx.x * 32 + threadIdx.y;
#pragma unroll
    for (int j = 0; j < 32; j += 8)
        if (x < height && y + j < width) out[(y + j) * height + x] = tile[threadIdx.x][threadIdx.y + j];
}

// Five points in the plane, with a halo in shared memory.
extern "C" __global__ void stencil_2d(float *out, const float *in, int width, int height) {
    __shared__ float tile[18][18];
    int x = blockIdx.x * 16 + threadIdx.x, y = blockIdx.y * 16 + threadIdx.y;
    auto at = [&](int x, int y) { return in[min(max(y, 0), height - 1) * width + min(max(x, 0), width - 1)]; };
    int tx = threadIdx.x + 1, ty = threadIdx.y + 1;
    tile[ty][tx] = at(x, y);
    if (tx == 1) tile[ty][0] = at(x - 1, y);
    if (tx == 16) tile[ty][17] = at(x + 1, y);
    if (ty == 1) tile[0][tx] = at(x, y - 1);
    if (ty == 16) tile[17][tx] = at(x, y + 1);
    __syncthreads();
    if (x < width && y < height)
        out[y * width + x] = 0.5f * tile[ty][tx] + 0.125f * (tile[ty][tx - 1] + tile[ty][tx + 1] + tile[ty - 1][tx] + tile[ty + 1][tx]);
}

// Seven points in space, marching along z with the column in registers.
extern "C" __global__ void stencil_3d(double *out, const double *in, int nx, int ny, int nz) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < 1 || y < 1 || x >= nx - 1 || y >= ny - 1) return;
    size_t plane = (size_t)nx * ny, at = (size_t)y * nx + x;
    double below = in[at], here = in[at + plane];
    for (int z = 1; z < nz - 1; z++) {
        at += plane;
        double above = in[at + plane];
        out[at] = -6.0 * here + below + above + in[at - 1] + in[at + 1] + in[at - nx] + in[at + nx];
        below = here, here = above;
    }
}

extern "C" __global__ void bitonic_sort(int *data) {
    __shared__ int s[1024];
    int i = threadIdx.x;
    int *mine = data + blockIdx.x * 1024;
    s[i] = mine[i];
    s[i + 512] = mine[i + 512];
    for (int size = 2; size <= 1024; size *= 2)
        for (int stride = size / 2; stride > 0; stride /= 2) {
            __syncthreads();
            int low = 2 * i - (i & (stride - 1));
            bool ascending = (low & size) == 0;
            int a = s[low], b = s[low + stride];
            if ((a > b) == ascending) s[low] = b, s[low + stride] = a;
        }
    __syncthreads();
    mine[i] = s[i];
    mine[i + 512] = s[i + 512];
}

// Keeps the positive elements in order: ballots in a warp, a scan over warps, one atomic a block.
extern "C" __global__ void compact(int *out, int *count, const int *in, int n) {
    __shared__ int kept[33];
    __shared__ int base;
    int i = threadIdx.x, lane = i % 32, warp = i / 32;
    for (int start = 0; start < n; start += blockDim.x) {
        bool keep = start + i < n && in[start + i] > 0;
        unsigned ballot = __ballot_sync(~0u, keep);
        if (lane == 0) kept[warp + 1] = __popc(ballot);
        __syncthreads();
        if (i == 0) {
            kept[0] = 0;
            for (int w = 1; w <= blockDim.x / 32; w++) kept[w] += kept[w - 1];
            base = atomicAdd(count, kept[blockDim.x / 32]);
        }
        __syncthreads();
        if (keep) out[base + kept[warp] + __popc(ballot & ((1u << lane) - 1))] = in[start + i];
        __syncthreads();
    }
}

// Radix-2 decimation in time, 512 points a block.
extern "C" __global__ void fft(float2 *data) {
    __shared__ float2 s[512];
    int i = threadIdx.x;
    float2 *mine = data + blockIdx.x * 512;
    for (int j = i; j < 512; j += 256) s[__brev(j) >> 23] = mine[j];
    for (int half = 1; half < 512; half *= 2) {
        __syncthreads();
        int k = i & (half - 1), low = 2 * i - k;
        float sine, cosine;
        sincospif(-(float)k / half, &sine, &cosine);
        float2 a = s[low], b = s[low + half];
        float2 t = make_float2(b.x * cosine - b.y * sine, b.x * sine + b.y * cosine);
        s[low] = make_float2(a.x + t.x, a.y + t.y);
        s[low + half] = make_float2(a.x - t.x, a.y - t.y);
    }
    __syncthreads();
    for (int j = i; j < 512; j += 256) mine[j] = s[j];
}

// Two warps hand values over through named barriers, as specialised warps do.
extern "C" __global__ void named_barriers(int *out, const int *in, int rounds) {
    __shared__ int box[32];
    int lane = threadIdx.x % 32;
    if (threadIdx.x < 32) {
        for (int r = 0; r < rounds; r++) {
            asm volatile("bar.sync 1, 64;" ::: "memory"); // the box is empty
            box[lane] = in[r * 32 + lane] * 3;
            asm volatile("bar.arrive 2, 64;" ::: "memory"); // the box is full
        }
    } else {
        asm volatile("bar.arrive 1, 64;" ::: "memory");
        for (int r = 0; r < rounds; r++) {
            asm volatile("bar.sync 2, 64;" ::: "memory");
            out[r * 32 + lane] = box[31 - lane] + 1;
            if (r + 1 < rounds) asm volatile("bar.arrive 1, 64;" ::: "memory");
        }
    }
}

// Barriers that reduce.
extern "C" __global__ void barrier_reductions(int *out, const int *in) {
    int value = in[blockIdx.x * blockDim.x + threadIdx.x];
    int count = __syncthreads_count(value > 0), all = __syncthreads_and(value != 0), any = __syncthreads_or(value == 7);
    if (threadIdx.x == 0) {
        out[blockIdx.x * 3] = count;
        out[blockIdx.x * 3 + 1] = all != 0;
        out[blockIdx.x * 3 + 2] = any != 0;
    }
}
