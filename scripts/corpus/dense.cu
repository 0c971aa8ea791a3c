// Dense linear algebra and the layers of a network, in single and double precision; a sparse product beside them.

// Each thread has a 4 by 4 piece of the block's 64 by 64 tile.
extern "C" __global__ void gemm_f32(float *c, const float *a, const float *b, int m, int n, int k) {
    __shared__ float as[16][64], bs[16][64];
    int tx = threadIdx.x % 16, ty = threadIdx.x / 16, row = blockIdx.y * 64, col = blockIdx.x * 64;
    float sum[4][4] = {};
    for (int k0 = 0; k0 < k; k0 += 16) {
        for (int j = threadIdx.x; j < 1024; j += 256) {
            int r = j / 16, kk = j % 16;
            as[kk][r] = row + r < m && k0 + kk < k ? a[(row + r) * k + k0 + kk] : 0;
            int kb = j / 64, cb = j % 64;
            bs[kb][cb] = k0 + kb < k && col + cb < n ? b[(k0 + kb) * n + col + cb] : 0;
        }
        __syncthreads();
#pragma unroll
        for (int kk = 0; kk < 16; kk++) {
            float4 av = *(float4 *)&as[kk][ty * 4], bv = *(float4 *)&bs[kk][tx * 4];
            float ar[4] = {av.x, av.y, av.z, av.w}, br[4] = {bv.x, bv.y, bv.z, bv.w};
#pragma unroll
            for (int i = 0; i < 4; i++)
#pragma unroll
                for (int j = 0; j < 4; j++) sum[i][j] += ar[i] * br[j];
        }
        __syncthreads();
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            if (row + ty * 4 + i < m && col + tx * 4 + j < n) c[(row + ty * 4 + i) * n + col + tx * 4 + j] = sum[i][j];
}

extern "C" __global__ void gemm_f64(double *c, const double *a, const double *b, int n) {
    __shared__ double as[16][16], bs[16][17];
    int tx = threadIdx.x, ty = threadIdx.y, row = blockIdx.y * 16 + ty, col = blockIdx.x * 16 + tx;
    double sum = 0;
    for (int k0 = 0; k0 < n; k0 += 16) {
        as[ty][tx] = a[row * n + k0 + tx];
        bs[ty][tx] = b[(k0 + ty) * n + col];
        __syncthreads();
        for (int k = 0; k < 16; k++) sum = fma(as[ty][k], bs[k][tx], sum);
        __syncthreads();
    }
    c[row * n + col] = sum;
}

__device__ float block_reduce(float value, bool maximum) {
    __shared__ float of_warp[32];
    auto both = [&](float a, float b) { return maximum ? fmaxf(a, b) : a + b; };
    for (int offset = 16; offset; offset /= 2) value = both(value, __shfl_xor_sync(~0u, value, offset));
    __syncthreads();
    if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = value;
    __syncthreads();
    value = of_warp[0];
    for (int w = 1; w < blockDim.x / 32; w++) value = both(value, of_warp[w]);
    return value;
}

extern "C" __global__ void softmax(float *out, const float *in, int width) {
    const float *row = in + (size_t)blockIdx.x * width;
    float most = -1e30f, sum = 0;
    for (int i = threadIdx.x; i < width; i += blockDim.x) most = fmaxf(most, row[i]);
    most = block_reduce(most, true);
    for (int i = threadIdx.x; i < width; i += blockDim.x) sum += expf(row[i] - most);
    sum = block_reduce(sum, false);
    for (int i = threadIdx.x; i < width; i += blockDim.x) out[(size_t)blockIdx.x * width + i] = expf(row[i] - most) / sum;
}

extern "C" __global__ void layer_norm(float *out, const float *in, const float *gain, const float *bias, int width, float epsilon) {
    const float *row = in + (size_t)blockIdx.x * width;
    float sum = 0, squares = 0;
    for (int i = threadIdx.x; i < width; i += blockDim.x) sum += row[i];
    float mean = block_reduce(sum, false) / width;
    for (int i = threadIdx.x; i < width; i += blockDim.x) squares += (row[i] - mean) * (row[i] - mean);
    float scale = rsqrtf(block_reduce(squares, false) / width + epsilon);
    for (int i = threadIdx.x; i < width; i += blockDim.x) out[(size_t)blockIdx.x * width + i] = (row[i] - mean) * scale * gain[i] + bias[i];
}

// Attention of one head with an online softmax, a query a thread, keys in tiles of shared memory.
extern "C" __global__ void attention(float *out, const float *q, const float *k, const float *v, int length, float scale) {
    constexpr int DIM = 32, TILE = 32;
    __shared__ float ks[TILE][DIM], vs[TILE][DIM];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    float query[DIM], sum[DIM] = {}, most = -1e30f, total = 0;
    for (int d = 0; d < DIM; d++) query[d] = q[i * DIM + d] * scale;
    for (int start = 0; start < length; start += TILE) {
        __syncthreads();
        for (int j = threadIdx.x; j < TILE * DIM; j += blockDim.x) {
            ks[j / DIM][j % DIM] = k[start * DIM + j];
            vs[j / DIM][j % DIM] = v[start * DIM + j];
        }
        __syncthreads();
        for (int j = 0; j < TILE && start + j <= i; j++) {
            float score = 0;
            for (int d = 0; d < DIM; d++) score += query[d] * ks[j][d];
            float higher = fmaxf(most, score), keep = __expf(most - higher), weight = __expf(score - higher);
            for (int d = 0; d < DIM; d++) sum[d] = sum[d] * keep + weight * vs[j][d];
            total = total * keep + weight, most = higher;
        }
    }
    for (int d = 0; d < DIM; d++) out[i * DIM + d] = sum[d] / total;
}

// y = A x with A in compressed rows, a warp a row.
extern "C" __global__ void spmv(double *y, const int *starts, const int *columns, const double *values, const double *x, int rows) {
    int row = (blockIdx.x * blockDim.x + threadIdx.x) / 32, lane = threadIdx.x % 32;
    if (row >= rows) return;
    double sum = 0;
    for (int j = starts[row] + lane; j < starts[row + 1]; j += 32) sum += values[j] * x[columns[j]];
    for (int offset = 16; offset; offset /= 2) sum += __shfl_down_sync(~0u, sum, offset);
    if (lane == 0) y[row] = sum;
}
