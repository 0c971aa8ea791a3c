// The device runtime: memory that kernels allocate, and what they print.

#include <cooperative_groups.h>

struct Node {
    int value;
    Node *next;
};

// Each thread builds a list, reverses it, and reads it out.
extern "C" __global__ void lists(int *out, int length)
{
    int thread = blockIdx.x * blockDim.x + threadIdx.x;
    Node *head = nullptr;
    for (int i = 0; i < length; i++) {
        Node *node = static_cast<Node *>(malloc(sizeof(Node)));
        node->value = thread * 100 + i;
        node->next = head;
        head = node;
    }
    Node *reversed = nullptr;
    while (head) {
        Node *next = head->next;
        head->next = reversed;
        reversed = head;
        head = next;
    }
    for (int i = 0; reversed; i++) {
        Node *next = reversed->next;
        out[thread * length + i] = reversed->value;
        free(reversed);
        reversed = next;
    }
}

// What printf returns is the number of its arguments.
extern "C" __global__ void print(int *counts)
{
    int thread = threadIdx.x;
    if (thread % 2 == 0) {
        counts[thread] = printf("thread %d of %s: %5.2f%%\n", thread, "corpus", thread * 1.5);
    }
}

// Blocks pass values around the whole grid.
extern "C" __global__ void rotate_blocks(int *values, int *scratch, int rounds)
{
    cooperative_groups::grid_group grid = cooperative_groups::this_grid();
    int threads = grid.size(), thread = grid.thread_rank();
    for (int round = 0; round < rounds; round++) {
        scratch[(thread + blockDim.x) % threads] = values[thread] + 1;
        grid.sync();
        values[thread] = scratch[thread];
        grid.sync();
    }
}
