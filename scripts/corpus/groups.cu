// Cooperative groups: tiles of a warp, and groups of whatever threads are there.
#include <cooperative_groups.h>

namespace cg = cooperative_groups;

extern "C" __global__ void tiles(int *out, const int *in) {
    auto block = cg::this_thread_block();
    auto tile = cg::tiled_partition<8>(block);
    int i = block.group_index().x * block.size() + block.thread_rank(), x = in[i];
    int sum = x;
    for (int offset = tile.size() / 2; offset > 0; offset /= 2) sum += tile.shfl_xor(sum, offset);
    out[i * 3] = sum;
    out[i * 3 + 1] = tile.any(x == 5) * 10 + tile.thread_rank();
    out[i * 3 + 2] = tile.shfl(x, (tile.thread_rank() + 1) % 8);
    block.sync();
}

// The threads with an odd value count themselves with one atomic a group.
extern "C" __global__ void coalesced(int *count, int *rank, const int *in) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    rank[i] = -1;
    if (in[i] % 2 != 0) {
        auto group = cg::coalesced_threads();
        int base = 0;
        if (group.thread_rank() == 0) base = atomicAdd(count, (int)group.size());
        rank[i] = group.shfl(base, 0) + group.thread_rank() - group.shfl(base, 0);
    }
}
