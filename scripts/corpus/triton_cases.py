"""Kernels in Triton, what each is given, and what numpy says it must give back.

A case takes a function `run(kernel, grid, *arguments, warps=4, **constants)`, which compiles for the case's types, fills its
arrays in place, and compares. Constants are the kernel's `constexpr` parameters.
"""

import numpy as np
import triton
import triton.language as tl

from .cases import close, random, same

CASES = []


def case(check):
    CASES.append(check)
    return check


@triton.jit
def axpy_kernel(out, x, y, scale, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + at, scale * tl.load(x + at, at < n) + tl.load(y + at, at < n), at < n)


@case
def axpy(run):
    generator = random("triton axpy")
    x, y, out = generator.standard_normal(3_001, np.float32), generator.standard_normal(3_001, np.float32), np.zeros(3_001, np.float32)
    run(axpy_kernel, 3, out, x, y, np.float32(1.5), np.int32(x.size), BLOCK=1024)
    close(out, 1.5 * x + y, 1e-6, 1e-6)


@case
def axpy_f16(run):
    generator = random("triton axpy half")
    x, y = (generator.standard_normal(2_048).astype(np.float16) for _ in range(2))
    out = np.zeros(2_048, np.float16)
    run(axpy_kernel, 2, out, x, y, np.float32(1.5), np.int32(x.size), BLOCK=1024)
    close(out, (1.5 * x.astype(np.float32) + y).astype(np.float16), 1e-3)


@triton.jit
def softmax_kernel(out, x, columns, BLOCK: tl.constexpr):
    row, at = tl.program_id(0), tl.arange(0, BLOCK)
    values = tl.load(x + row * columns + at, at < columns, -float("inf"))
    powers = tl.exp(values - tl.max(values, 0))
    tl.store(out + row * columns + at, powers / tl.sum(powers, 0), at < columns)


@case
def softmax(run):
    x = random("triton softmax").standard_normal((7, 781), np.float32)
    out = np.zeros_like(x)
    run(softmax_kernel, 7, out, x, np.int32(781), BLOCK=1024)
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    close(out, powers / powers.sum(axis=1, keepdims=True), 1e-5)


@triton.jit
def layer_norm_kernel(out, x, weight, bias, columns, epsilon, BLOCK: tl.constexpr):
    row, at = tl.program_id(0), tl.arange(0, BLOCK)
    values = tl.load(x + row * columns + at, at < columns, 0.0)
    mean = tl.sum(values, 0) / columns
    away = tl.where(at < columns, values - mean, 0.0)
    scale = tl.rsqrt(tl.sum(away * away, 0) / columns + epsilon)
    result = away * scale * tl.load(weight + at, at < columns) + tl.load(bias + at, at < columns)
    tl.store(out + row * columns + at, result, at < columns)


@case
def layer_norm(run):
    generator = random("triton norm")
    x, weight, bias = (generator.standard_normal(shape, np.float32) for shape in [(5, 300), 300, 300])
    out = np.zeros_like(x)
    run(layer_norm_kernel, 5, out, x, weight, bias, np.int32(300), np.float32(1e-5), BLOCK=512)
    expected = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5) * weight + bias
    close(out, expected, 1e-4, 1e-5)


@triton.jit
def matmul_kernel(c, a, b, M, N, K, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    rows = tl.program_id(0) * BM + tl.arange(0, BM)
    columns = tl.program_id(1) * BN + tl.arange(0, BN)
    inner = tl.arange(0, BK)
    total = tl.zeros((BM, BN), tl.float32)
    for k in range(0, K, BK):
        left = tl.load(a + rows[:, None] * K + (k + inner)[None, :], (rows[:, None] < M) & ((k + inner)[None, :] < K), 0.0)
        right = tl.load(b + (k + inner)[:, None] * N + columns[None, :], ((k + inner)[:, None] < K) & (columns[None, :] < N), 0.0)
        total = tl.dot(left, right, total)
    tl.store(c + rows[:, None] * N + columns[None, :], total, (rows[:, None] < M) & (columns[None, :] < N))


def product(run, dtype, tolerance, warps, shape=(70, 80, 96)):
    rows, columns, inner = shape
    generator = random(f"triton product {dtype}")
    a, b = generator.standard_normal((rows, inner)).astype(dtype), generator.standard_normal((inner, columns)).astype(dtype)
    c = np.zeros((rows, columns), np.float32)
    sizes = [np.int32(size) for size in shape]
    run(matmul_kernel, (-(-rows // 32), -(-columns // 32)), c, a, b, *sizes, warps=warps, BM=32, BN=32, BK=32)
    expected = a.astype(np.float64) @ b.astype(np.float64)
    assert np.abs(c - expected).max() <= tolerance * np.abs(expected).max()


# With four warps the compiler takes wgmma for sm_90, which is not executed.


@case
def matmul_f16(run):
    product(run, np.float16, 1e-3, 2)


@case
def matmul_tf32(run):
    product(run, np.float32, 2e-3, 2)


@triton.jit
def matmul_s8_kernel(c, a, b, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    rows, columns, inner = tl.arange(0, M), tl.arange(0, N), tl.arange(0, K)
    left = tl.load(a + rows[:, None] * K + inner[None, :])
    right = tl.load(b + inner[:, None] * N + columns[None, :])
    tl.store(c + rows[:, None] * N + columns[None, :], tl.dot(left, right))


@case
def matmul_s8(run):
    generator = random("triton bytes")
    a, b = (generator.integers(-128, 128, shape, np.int8) for shape in [(32, 64), (64, 32)])
    c = np.zeros((32, 32), np.int32)
    run(matmul_s8_kernel, 1, c, a, b, warps=2, M=32, N=32, K=64)
    same(c, a.astype(np.int32) @ b.astype(np.int32))


@triton.jit
def attention_kernel(out, q, k, v, scale, LENGTH: tl.constexpr, WIDTH: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr):
    start, head = tl.program_id(0) * BM, tl.program_id(1) * LENGTH * WIDTH
    rows, columns, width = start + tl.arange(0, BM), tl.arange(0, BN), tl.arange(0, WIDTH)
    queries = tl.load(q + head + rows[:, None] * WIDTH + width[None, :])
    most = tl.full((BM,), -float("inf"), tl.float32)
    total = tl.zeros((BM,), tl.float32)
    result = tl.zeros((BM, WIDTH), tl.float32)
    for at in range(0, start + BM, BN):
        keys = tl.load(k + head + (at + columns)[None, :] * WIDTH + width[:, None])
        scores = tl.dot(queries, keys) * scale
        scores = tl.where(rows[:, None] >= (at + columns)[None, :], scores, -float("inf"))
        new = tl.maximum(most, tl.max(scores, 1))
        powers = tl.exp2(scores - new[:, None])
        shrink = tl.exp2(most - new)
        total = total * shrink + tl.sum(powers, 1)
        values = tl.load(v + head + (at + columns)[:, None] * WIDTH + width[None, :])
        result = tl.dot(powers.to(tl.float16), values, result * shrink[:, None])
        most = new
    tl.store(out + head + rows[:, None] * WIDTH + width[None, :], (result / total[:, None]).to(tl.float16))


@case
def flash_attention(run):
    heads, length, width = 2, 64, 32
    generator = random("triton attention")
    q, k, v = (generator.standard_normal((heads, length, width)).astype(np.float16) for _ in range(3))
    out = np.zeros_like(q)
    scale = np.float32(width**-0.5 * np.log2(np.e))
    run(attention_kernel, (2, heads), out, q, k, v, scale, warps=2, LENGTH=length, WIDTH=width, BM=32, BN=32)
    q, k, v = (part.astype(np.float64) for part in (q, k, v))
    scores = np.where(np.tri(length, dtype=bool), q @ k.transpose(0, 2, 1) / np.sqrt(width), -np.inf)
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    close(out, powers @ v / powers.sum(-1, keepdims=True), 2e-2, 2e-3)


@triton.jit
def scan_kernel(out, x, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + at, tl.cumsum(tl.load(x + at), 0))


@case
def scan(run):
    x = random("triton scan").integers(-100, 100, 2048, np.int32)
    out = np.zeros_like(x)
    run(scan_kernel, 1, out, x, BLOCK=2048)
    same(out, x.cumsum())


@triton.jit
def sort_kernel(out, x, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + at, tl.sort(tl.load(x + at)))


@case
def sort(run):
    x = random("triton sort").integers(-(2**31), 2**31, 512, np.int32)
    out = np.zeros_like(x)
    run(sort_kernel, 1, out, x, BLOCK=512)
    same(out, np.sort(x))


@triton.jit
def argmax_kernel(where, most, x, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    values = tl.load(x + at)
    tl.store(where, tl.argmax(values, 0))
    tl.store(most, tl.max(values, 0))


@case
def argmax(run):
    x = random("triton argmax").standard_normal(1024, np.float32)
    where, most = np.zeros(1, np.int32), np.zeros(1, np.float32)
    run(argmax_kernel, 1, where, most, x, BLOCK=1024)
    same([where[0], most[0]], [x.argmax(), x.max()])


@triton.jit
def histogram_kernel(bins, x, n, BINS: tl.constexpr, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    counts = tl.histogram(tl.load(x + at, at < n, 0), BINS, at < n)
    tl.atomic_add(bins + tl.arange(0, BINS), counts)


@case
def histogram(run):
    x, bins = random("triton histogram").integers(0, 128, 3_000, np.int32), np.zeros(128, np.int32)
    run(histogram_kernel, 3, bins, x, np.int32(x.size), BINS=128, BLOCK=1024)
    same(bins, np.bincount(x, minlength=128))


@triton.jit
def atomics_kernel(out, x, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    values = tl.load(x + at)
    tl.atomic_max(out + at * 0, values)
    tl.atomic_min(out + at * 0 + 1, values)
    tl.atomic_xor(out + at * 0 + 2, values)
    tl.atomic_add(out + at % 4 + 3, values)


@case
def atomics(run):
    x, out = random("triton atomics").integers(-1000, 1000, 512, np.int32), np.zeros(7, np.int32)
    run(atomics_kernel, 2, out, x, BLOCK=256)
    same(out, [max(x.max(), 0), min(x.min(), 0), np.bitwise_xor.reduce(x), *x.reshape(-1, 4).sum(axis=0)])


@triton.jit
def lock_kernel(lock, total, x, BLOCK: tl.constexpr):
    part = tl.sum(tl.load(x + tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)), 0)
    while tl.atomic_cas(lock, 0, 1) == 1:
        pass
    tl.store(total, tl.load(total) + part)
    tl.debug_barrier()
    tl.atomic_xchg(lock, 0)


@case
def lock(run):
    x = random("triton lock").integers(0, 100, 1024, np.int32)
    held, total = np.zeros(1, np.int32), np.zeros(1, np.int32)
    run(lock_kernel, 8, held, total, x, BLOCK=128)
    same(total[0], x.sum())


@triton.jit
def dropout_kernel(kept, uniform, seed, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    numbers = tl.rand(seed, at)
    tl.store(uniform + at, numbers)
    tl.store(kept + at, (numbers > 0.25).to(tl.int8))


@case
def philox(run):
    kept, uniform = np.zeros(4096, np.int8), np.zeros(4096, np.float32)
    run(dropout_kernel, 4, kept, uniform, np.int32(42), BLOCK=1024)
    assert 0 <= uniform.min() and uniform.max() < 1 and abs(uniform.mean() - 0.5) < 0.02
    same(kept, uniform > 0.25)


@triton.jit
def transpose_kernel(out, x, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    rows, columns = tl.arange(0, ROWS), tl.arange(0, COLUMNS)
    values = tl.load(x + rows[:, None] * COLUMNS + columns[None, :])
    tl.store(out + columns[:, None] * ROWS + rows[None, :], tl.trans(values))


@case
def transpose(run):
    x = random("triton transpose").standard_normal((64, 32), np.float32)
    out = np.zeros((32, 64), np.float32)
    run(transpose_kernel, 1, out, x, ROWS=64, COLUMNS=32)
    same(out, x.T)


@triton.jit
def functions_kernel(out, x, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(x + at)
    result = tl.sin(v) + tl.cos(v) * tl.log(tl.abs(v) + 1) + tl.sqrt_rn(tl.abs(v)) + tl.erf(v) + tl.floor(v) + tl.exp2(v)
    tl.store(out + at, result + tl.sigmoid(v) + tl.div_rn(v, 3.0) + tl.fma(v, v, v))


@case
def functions(run):
    from math import erf

    x = random("triton functions").standard_normal(512, np.float32)
    out = np.zeros_like(x)
    run(functions_kernel, 1, out, x, BLOCK=512)
    v = x.astype(np.float64)
    expected = np.sin(v) + np.cos(v) * np.log(abs(v) + 1) + np.sqrt(abs(v)) + np.array([erf(one) for one in v]) + np.floor(v) + np.exp2(v)
    close(out, expected + 1 / (1 + np.exp(-v)) + v / 3 + v * v + v, 1e-5, 1e-5)


@triton.jit
def conversions_kernel(bf16, fp8, s8, back, x, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    v = tl.load(x + at)
    tl.store(bf16 + at, v.to(tl.bfloat16).to(tl.int16, bitcast=True))
    small = v.to(tl.float8e5)
    tl.store(fp8 + at, small.to(tl.uint8, bitcast=True))
    tl.store(s8 + at, (v * 10).to(tl.int8))
    tl.store(back + at, small.to(tl.float32))


@case
def conversions(run):
    x = random("triton conversions").standard_normal(256, np.float32) * 4
    bf16, fp8, s8, back = np.zeros(256, np.int16), np.zeros(256, np.uint8), np.zeros(256, np.int8), np.zeros_like(x)
    run(conversions_kernel, 1, bf16, fp8, s8, back, x, BLOCK=256)
    bits = x.view(np.uint32)
    same(bf16, ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.int16))
    # The upper half of an f16 is an fp8 of the form e5m2.
    half = fp8.astype(np.uint16) << 8
    same(back, half.view(np.float16).astype(np.float32))
    close(back, x, 0.13)
    same(s8, np.trunc(x * np.float32(10)).astype(np.int8))


@triton.jit
def gather_kernel(out, x, where, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    tl.store(out + at, tl.gather(tl.load(x + at), tl.load(where + at), 0))


@case
def gather(run):
    generator = random("triton gather")
    x, where = generator.standard_normal(256, np.float32), generator.integers(0, 256, 256, np.int32)
    out = np.zeros_like(x)
    run(gather_kernel, 1, out, x, where, BLOCK=256)
    same(out, x[where])
