"""What each kernel of the corpus is given, and what numpy says it must give back.

A case takes a function `run(kernel, grid, block, *arguments, shared=0)`, which fills its arrays in place, and compares.
"""

import math

import numpy as np

CASES: list["Case"] = []


class Case:
    """A kernel of a source file, from a compute capability on."""

    def __init__(self, check, file: str, since: int):
        self.name = check.__name__
        self.check = check
        self.file = file
        self.since = since


def case(file: str, since: int = 75):
    def register(check):
        CASES.append(Case(check, file, since))
        return check

    return register


def random(name: str) -> np.random.Generator:
    """Numbers that are the same in every run, and others for each case."""
    return np.random.default_rng(list(name.encode()))


def same(found, expected) -> None:
    np.testing.assert_array_equal(found, expected)


def close(found, expected, relative: float, absolute: float = 0.0) -> None:
    np.testing.assert_allclose(found, expected, rtol=relative, atol=absolute)


def of(function, *arrays):
    """A function of numbers over arrays, in double precision."""
    return np.array([function(*map(float, values)) for values in zip(*arrays)])


# Blocks


@case("blocks.cu")
def reduce_sum(run):
    values, out = random("sum").standard_normal(10_007, np.float32), np.zeros(1, np.float32)
    run("reduce_sum", 5, 256, out, values, np.int32(values.size))
    close(out[0], values.sum(dtype=np.float64), 1e-5, 1e-3)


@case("blocks.cu")
def reduce_extremes(run):
    values = random("extremes").integers(-(2**31), 2**31, 5_001, np.int32)
    low, high, where = (np.zeros(1, np.int32) for _ in range(3))
    run("reduce_extremes", 1, 256, low, high, where, values, np.int32(values.size))
    same([low[0], high[0], where[0]], [values.min(), values.max(), values.argmax()])


@case("blocks.cu")
def reduce_last_block(run):
    values, total, partials = random("last").standard_normal(9_999), np.zeros(1), np.zeros(7)
    run("reduce_last_block", 7, 128, total, partials, values, np.int32(values.size))
    close(total[0], values.sum(), 1e-12, 1e-10)


@case("blocks.cu")
def scan_inclusive(run):
    values = random("scan").integers(-1000, 1000, (3, 512), np.int32)
    out = np.zeros_like(values)
    run("scan_inclusive", 3, 512, out, values)
    same(out, values.cumsum(axis=1))


@case("blocks.cu")
def scan_exclusive(run):
    values = random("exclusive").integers(0, 100, 1024).astype(np.float32)
    out = np.zeros_like(values)
    run("scan_exclusive", 1, 512, out, values, np.int32(1024), shared=4096)
    same(out, values.cumsum() - values)


@case("blocks.cu")
def histogram(run):
    values, bins = random("histogram").integers(0, 256, 20_000, np.uint8), np.zeros(256, np.uint32)
    run("histogram", 4, 256, bins, values, np.int32(values.size))
    same(bins, np.bincount(values, minlength=256))


@case("blocks.cu")
def transpose(run):
    values = random("transpose").standard_normal((70, 101), np.float32)
    out = np.zeros((101, 70), np.float32)
    run("transpose", (4, 3), (32, 8), out, values, np.int32(101), np.int32(70))
    same(out, values.T)


@case("blocks.cu")
def stencil_2d(run):
    values = random("stencil").standard_normal((45, 61), np.float32)
    out = np.zeros_like(values)
    run("stencil_2d", (4, 3), (16, 16), out, values, np.int32(61), np.int32(45))
    p = np.pad(values, 1, mode="edge").astype(np.float64)
    expected = 0.5 * p[1:-1, 1:-1] + 0.125 * (p[1:-1, :-2] + p[1:-1, 2:] + p[:-2, 1:-1] + p[2:, 1:-1])
    close(out, expected, 1e-5, 1e-6)


@case("blocks.cu")
def stencil_3d(run):
    v = random("space").standard_normal((9, 20, 30))
    out = np.zeros_like(v)
    run("stencil_3d", (2, 3), (16, 8), out, v, np.int32(30), np.int32(20), np.int32(9))
    expected = np.zeros_like(v)
    c = v[1:-1, 1:-1, 1:-1]
    expected[1:-1, 1:-1, 1:-1] = (-6 * c + v[:-2, 1:-1, 1:-1] + v[2:, 1:-1, 1:-1] + v[1:-1, 1:-1, :-2] + v[1:-1, 1:-1, 2:]
                                  + v[1:-1, :-2, 1:-1] + v[1:-1, 2:, 1:-1])
    close(out, expected, 1e-12, 1e-12)


@case("blocks.cu")
def bitonic_sort(run):
    values = random("sort").integers(-(10**6), 10**6, (2, 1024), np.int32)
    out = values.copy()
    run("bitonic_sort", 2, 512, out)
    same(out, np.sort(values, axis=1))


@case("blocks.cu")
def compact(run):
    values = random("compact").integers(-50, 50, 3_000, np.int32)
    out, count = np.zeros_like(values), np.zeros(1, np.int32)
    run("compact", 1, 256, out, count, values, np.int32(values.size))
    kept = values[values > 0]
    same(count[0], kept.size)
    same(out[: kept.size], kept)


@case("blocks.cu")
def fft(run):
    generator = random("fft")
    values = (generator.standard_normal((3, 512)) + 1j * generator.standard_normal((3, 512))).astype(np.complex64)
    out = values.copy()
    run("fft", 3, 256, out)
    close(out, np.fft.fft(values.astype(np.complex128)), 1e-4, 1e-3)


@case("blocks.cu")
def named_barriers(run):
    values = random("barriers").integers(0, 1000, (5, 32), np.int32)
    out = np.zeros_like(values)
    run("named_barriers", 1, 64, out, values, np.int32(5))
    same(out, values[:, ::-1] * 3 + 1)


@case("blocks.cu")
def barrier_reductions(run):
    values = random("reductions").integers(-3, 8, (4, 96), np.int32)
    values[1] = np.abs(values[1]) + 1
    values[2] = 2
    out = np.zeros((4, 3), np.int32)
    run("barrier_reductions", 4, 96, out, values)
    same(out, [[(row > 0).sum(), (row != 0).all(), (row == 7).any()] for row in values])


# Dense


@case("dense.cu")
def gemm_f32(run):
    m, n, k = 100, 130, 50
    a, b = random("gemm").standard_normal((m, k), np.float32), random("mm").standard_normal((k, n), np.float32)
    c = np.zeros((m, n), np.float32)
    run("gemm_f32", (3, 2), 256, c, a, b, np.int32(m), np.int32(n), np.int32(k))
    close(c, a.astype(np.float64) @ b, 1e-4, 1e-4)


@case("dense.cu")
def gemm_f64(run):
    a, b = random("a").standard_normal((48, 48)), random("b").standard_normal((48, 48))
    c = np.zeros((48, 48))
    run("gemm_f64", (3, 3), (16, 16), c, a, b, np.int32(48))
    close(c, a @ b, 1e-12, 1e-12)


@case("dense.cu")
def softmax(run):
    values = random("softmax").standard_normal((7, 300), np.float32) * np.float32(5)
    out = np.zeros_like(values)
    run("softmax", 7, 128, out, values, np.int32(300))
    powers = np.exp(values.astype(np.float64) - values.max(axis=1, keepdims=True))
    close(out, powers / powers.sum(axis=1, keepdims=True), 1e-5, 1e-9)


@case("dense.cu")
def layer_norm(run):
    generator = random("norm")
    values = generator.standard_normal((5, 257), np.float32) * np.float32(3) + np.float32(1)
    gain, bias = generator.standard_normal((2, 257), np.float32)
    out = np.zeros_like(values)
    run("layer_norm", 5, 64, out, values, gain, bias, np.int32(257), np.float32(1e-5))
    v = values.astype(np.float64)
    expected = (v - v.mean(axis=1, keepdims=True)) / np.sqrt(v.var(axis=1, keepdims=True) + 1e-5) * gain + bias
    close(out, expected, 1e-4, 1e-5)


@case("dense.cu")
def attention(run):
    length, dim = 96, 32
    q, k, v = random("attention").standard_normal((3, length, dim), np.float32)
    out = np.zeros_like(q)
    run("attention", 3, 32, out, q, k, v, np.int32(length), np.float32(dim**-0.5))
    scores = q.astype(np.float64) @ k.T / math.sqrt(dim)
    scores[np.triu_indices(length, 1)] = -np.inf
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    close(out, weights / weights.sum(axis=1, keepdims=True) @ v, 1e-3, 1e-4)


@case("half.cu")
def half2_axpy(run):
    x, y = random("half").standard_normal((2, 1000)).astype(np.float16)
    out = y.copy()
    run("half2_axpy", 4, 128, out, x, np.float16(1.5), np.int32(500))
    same(out, (1.5 * x.astype(np.float64) + y).astype(np.float16))


@case("half.cu")
def half_functions(run):
    a, b = (random("functions").standard_normal((2, 400)) * 8).astype(np.float16)
    b[:20] = a[:20]
    b[b == 0] = 1
    out = np.zeros((12, 400), np.float16)
    run("half_functions", 4, 128, out, a, b, np.int32(400))
    x, y = a.astype(np.float64), b.astype(np.float64)
    exact = [x + y, x - y, x * y, None, np.minimum(x, y), np.maximum(x, y), None, None, np.floor(x),
             np.where(x < y, 1, np.where(x == y, 2, 3)), np.trunc(x), -x]
    for row, expected in zip(out, exact):
        if expected is not None:
            same(row, expected.astype(np.float16))
    close(out[3], x / y, 2e-3, 1e-6)
    close(out[6], np.sqrt(np.abs(x)), 2e-3, 1e-6)
    close(out[7], np.exp(x / 4), 4e-3, 1e-6)


def bfloat(values) -> np.ndarray:
    """Bits of bfloat16, rounded to nearest even."""
    bits = np.asarray(values, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def of_bfloat(bits) -> np.ndarray:
    return (bits.astype(np.uint32) << 16).view(np.float32)


@case("half.cu", since=80)
def bfloat_functions(run):
    a, b = bfloat(random("bfloat").standard_normal((2, 600)))
    out = np.zeros((4, 600), np.uint16)
    run("bfloat_functions", 3, 128, out, a, b, np.int32(300))
    x, y = of_bfloat(a), of_bfloat(b)
    close(of_bfloat(out[0]), x + y, 2**-8, 1e-6)
    close(of_bfloat(out[1]), x * y, 2**-8, 1e-6)
    close(of_bfloat(out[2]), x * y + x, 2**-8, 1e-2)
    same(of_bfloat(out[3]), np.maximum(x, y))


@case("dense.cu")
def spmv(run):
    generator = random("sparse")
    dense = generator.standard_normal((90, 70)) * (generator.random((90, 70)) < 0.2)
    starts = np.concatenate([[0], (dense != 0).sum(axis=1).cumsum()]).astype(np.int32)
    columns, values, x = np.nonzero(dense)[1].astype(np.int32), dense[dense != 0], generator.standard_normal(70)
    y = np.zeros(90)
    run("spmv", 23, 128, y, starts, columns, values, x, np.int32(90))
    close(y, dense @ x, 1e-12, 1e-12)


# Tensor cores


def halves(name: str, *shape) -> np.ndarray:
    return random(name).standard_normal(shape).astype(np.float16)


@case("wmma.cu")
def wmma_f16(run):
    a, b, c = halves("wa", 64, 64), halves("wb", 64, 64), np.zeros((64, 64), np.float32)
    run("wmma_f16", (4, 4), 32, c, a, b, np.int32(64))
    close(c, a.astype(np.float64) @ b.T.astype(np.float64), 1e-4, 1e-4)


@case("wmma.cu")
def wmma_f16_32x8(run):
    a, b, c = halves("la", 16, 32), halves("lb", 16, 8), halves("lc", 32, 8)
    d = np.zeros_like(c)
    run("wmma_f16_32x8", 1, 32, d, a, b, c)
    close(d, a.T.astype(np.float64) @ b.astype(np.float64) + c + 1, 5e-3, 2e-2)


@case("wmma.cu")
def wmma_s8(run):
    a, b = random("bytes").integers(-128, 128, (2, 16, 16), np.int8)
    c = np.zeros((16, 16), np.int32)
    run("wmma_s8", 1, 32, c, a, b)
    same(c, a.astype(np.int32) @ b.T.astype(np.int32) + 3)


@case("mma.cu")
def mma_m16n8k8(run):
    a, b, d = halves("ma", 16, 8), halves("mb", 8, 8), np.zeros((16, 8), np.float32)
    run("mma_m16n8k8", 1, 32, d, a, b)
    close(d, a.astype(np.float64) @ b.astype(np.float64), 1e-5, 1e-5)


@case("mma.cu", since=80)
def mma_pipelined(run):
    a, b, d = halves("pa", 48, 80), halves("pb", 24, 80), np.zeros((48, 24), np.float32)
    run("mma_pipelined", (3, 3), 32, d, a, b, np.int32(24), np.int32(80))
    close(d, a.astype(np.float64) @ b.T.astype(np.float64), 1e-4, 1e-4)


@case("mma.cu", since=80)
def mma_tf32(run):
    a, b = random("tf32").standard_normal((16, 8), np.float32), random("t").standard_normal((8, 8), np.float32)
    d = np.zeros((16, 8), np.float32)
    run("mma_tf32", 1, 32, d, a, b)
    rounded = [((v.view(np.uint32) + 0x1000) & 0xFFFFE000).view(np.float32).astype(np.float64) for v in (a, b)]
    close(d, rounded[0] @ rounded[1], 1e-5, 1e-5)


@case("mma.cu", since=80)
def mma_s8(run):
    a, b = random("m").integers(-128, 128, (16, 32), np.int8), random("s").integers(-128, 128, (8, 32), np.int8)
    d = np.zeros((16, 8), np.int32)
    run("mma_s8", 1, 32, d, a, b)
    start = np.zeros((16, 8), np.int32)
    start[:8, ::2], start[:8, 1::2], start[8:, ::2], start[8:, 1::2] = 1, 2, 3, 4
    same(d, a.astype(np.int32) @ b.T.astype(np.int32) + start)


@case("mbarrier.cu", since=80)
def mbarrier_phases(run):
    values, rounds = random("phases").integers(0, 10, 64, np.int32), 6
    out = np.zeros_like(values)
    run("mbarrier_phases", 1, 64, out, values, np.int32(rounds))
    expected = values.copy()
    for _ in range(rounds):
        expected = expected + np.roll(expected, -1)
    same(out, expected)


# Threads


@case("threads.cu")
def nbody(run):
    bodies = random("bodies").standard_normal((256, 4)).astype(np.float32)
    out = np.zeros_like(bodies)
    run("nbody", 2, 128, out, bodies, np.int32(256), np.float32(0.01))
    b = bodies.astype(np.float64)
    d = b[None, :, :3] - b[:, None, :3]
    expected = (d * (b[None, :, 3] / ((d * d).sum(axis=2) + 0.01) ** 1.5)[..., None]).sum(axis=1)
    close(out[:, :3], expected, 1e-4, 1e-3)


@case("threads.cu")
def mandelbrot(run):
    width, height, limit = 75, 50, 120
    out = np.zeros((height, width), np.int32)
    run("mandelbrot", (5, 7), (16, 8), out, np.int32(width), np.int32(height), np.int32(limit))
    c = -2 + 3 * np.arange(width)[None] / width + 1j * (-1 + 2 * np.arange(height)[:, None] / height)
    z, expected = np.zeros_like(c), np.zeros((height, width), np.int32)
    with np.errstate(all="ignore"):
        for _ in range(limit):
            inside = (expected >= 0) & (z.real**2 + z.imag**2 <= 4)
            z = np.where(inside, z * z + c, z)
            expected += inside
    # The borders of the set amplify the last bit.
    assert (out != expected).sum() <= 4, f"{(out != expected).sum()} of {out.size} points differ"


@case("threads.cu")
def sobel(run):
    image = random("image").integers(0, 256, (33, 50, 4), np.uint8)
    out = np.zeros_like(image)
    run("sobel", (4, 5), (16, 8), out, image, np.int32(50), np.int32(33))
    p = np.pad(image[..., :3].astype(int), ((1, 1), (1, 1), (0, 0)), mode="edge")
    row, column = p[:-2] + 2 * p[1:-1] + p[2:], p[:, :-2] + 2 * p[:, 1:-1] + p[:, 2:]
    gradient = np.abs(row[:, 2:] - row[:, :-2]) + np.abs(column[2:] - column[:-2])
    same(out[..., :3], np.minimum(255, gradient // 4))
    same(out[..., 3], image[..., 3])


@case("calls.cu")
def recursion(run):
    out = np.zeros(32, np.uint32)
    run("recursion", 1, 32, out, np.int32(32))
    fibonacci = [0, 1]
    while len(fibonacci) < 17:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    same(out, [fibonacci[i // 2] if i % 2 else 2 * (i // 4) + 3 for i in range(32)])


def divide(a: int, b: int) -> tuple[int, int]:
    """Quotient and remainder as C has them."""
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    return quotient, a - quotient * b


@case("calls.cu")
def calls(run):
    generator = random("calls")
    a, b = generator.integers(-(10**12), 10**12, 100), generator.integers(1, 10**6, 100).astype(np.int32)
    b[::3] *= -1
    out = np.zeros((100, 3))
    run("calls", 1, 128, out, a, b, np.int32(100))
    for i, (x, y) in enumerate(zip(a.tolist(), b.tolist())):
        pair = divide(x, y)
        same(out[i, :2], pair[::-1] if i & 1 else pair)
    close(out[:, 2], a / b, 1e-6)


@case("calls.cu")
def function_pointers(run):
    generator = random("pointers")
    a, b = generator.standard_normal((2, 128), np.float32)
    which = generator.integers(0, 4, 128, np.int32)
    out = np.zeros_like(a)
    run("function_pointers", 2, 64, out, a, b, which)
    same(out, np.choose(which, [a + b, a - b, a * b, np.maximum(a, b)]))


@case("threads.cu")
def switches(run):
    values = random("switches").integers(0, 2**31, 500, np.int32)
    out = np.zeros_like(values)
    run("switches", 4, 128, out, values, np.int32(500))

    def wrap(x):
        return (x + 2**31) % 2**32 - 2**31

    def one(x):
        r = 0
        for step in range(4):
            k = x & 15
            if k == 0: r += x
            elif k == 1: r ^= 0x55
            elif k == 2: r = r * 3 + 1
            elif k == 3: r = wrap(r - (x >> 2)) + 7
            elif k == 4: r += 7
            elif k == 5: r = ~r
            elif k == 6: r <<= 1
            elif k == 7: r >>= 1
            elif k == 8: r = bin(r & 0xFFFFFFFF).count("1")
            elif k == 9: r |= x
            elif k == 10: r &= 0xFFFF
            elif k == 11: r = -r
            elif k == 12: r += step
            else: r = r * 31 + x
            r = wrap(r)
            x = wrap((x >> 3) + divide(r, 16)[1])
        return r

    same(out, [one(x) for x in values.tolist()])


@case("threads.cu")
def insertion_sort(run):
    values = random("insertion").integers(-30000, 30000, (96, 24), np.int16)
    out = values.copy()
    run("insertion_sort", 3, 32, out)
    same(out, np.sort(values, axis=1))


@case("threads.cu")
def constants(run):
    x = random("constants").standard_normal(500, np.float32)
    out = np.zeros_like(x)
    run("constants", (1, 1, 4), (8, 8, 2), out, x, np.int32(500))
    coefficients = np.array([1, -0.5, 0.25, -0.125, 0.0625, 2, -3, 0.5])
    close(out, np.polyval(coefficients[::-1], x.astype(np.float64)) * coefficients[np.arange(500) % 8], 1e-4, 1e-4)


@case("integers.cu")
def divisions_32(run):
    generator = random("divisions")
    a, b = generator.integers(-(2**31) + 1, 2**31, 400, np.int32), generator.integers(1, 2**31, 400, np.int32)
    b >>= generator.integers(0, 30, 400, np.int32)
    b[b == 0] = 3
    b[::2] *= -1
    out = np.zeros((8, 400), np.int32)
    run("divisions_32", 4, 128, out, a, b, np.int32(400))
    ua, ub = a.view(np.uint32), b.view(np.uint32)
    signed = [(divide(x, y), divide(x, 7)[0], divide(x, 16)[0], divide(x, 1000)[1]) for x, y in zip(a.tolist(), b.tolist())]
    expected = [[s[0][0] for s in signed], [s[0][1] for s in signed], (ua // ub).view(np.int32), (ua % ub).view(np.int32),
                [s[1] for s in signed], (ua % 10).view(np.int32), [s[2] for s in signed], [s[3] for s in signed]]
    same(out, expected)


@case("integers.cu")
def divisions_64(run):
    generator = random("wide")
    a, b = generator.integers(-(2**63) + 1, 2**63 - 1, (2, 300))
    b >>= generator.integers(0, 62, 300)
    b[b == 0] = -3
    out = np.zeros((8, 300), np.int64)
    run("divisions_64", 3, 128, out, a, b, np.int32(300))
    ua, ub = a.view(np.uint64), b.view(np.uint64)
    pairs = list(zip(a.tolist(), b.tolist()))
    expected = [[divide(x, y)[0] for x, y in pairs], [divide(x, y)[1] for x, y in pairs], (ua // ub).view(np.int64),
                (ua % ub).view(np.int64), [divide(x, 1000000007)[0] for x, _ in pairs], [divide(x, 10)[1] for x, _ in pairs],
                [x * y >> 64 for x, y in pairs],
                np.array([x * y >> 64 for x, y in zip(ua.tolist(), ub.tolist())], np.uint64).view(np.int64)]
    same(out, expected)


@case("integers.cu")
def bits_32(run):
    a, b = random("bits").integers(0, 2**32, (2, 200), np.uint32)
    a[:4] = [0, 1, 2**31, 2**32 - 1]
    out = np.zeros((16, 200), np.uint32)
    run("bits_32", 2, 128, out, a, b, np.int32(200))
    mask = 0xFFFFFFFF

    def one(i, x, y):
        byte = [*x.to_bytes(4, "little"), *y.to_bytes(4, "little")]
        both = y << 32 | x
        signed = [int.from_bytes(v.to_bytes(4, "little"), "little", signed=True) for v in (x, y)]
        dot = sum(p * q for p, q in zip(np.array([x], np.uint32).view(np.int8).tolist(), np.array([y], np.uint32).view(np.int8).tolist()))
        low, length = y & 31, x & 31
        field = ((1 << length) - 1) << low & mask
        add4 = sum((((x >> s) + (y >> s)) & 255) << s for s in (0, 8, 16, 24))
        del signed
        return [bin(x).count("1"), 32 - x.bit_length(), int(f"{x:032b}"[::-1], 2), (x & -x).bit_length(),
                byte[5] | byte[0] << 8 | byte[7] << 16 | byte[2] << 24, both << (y & 31) >> 32 & mask, both >> min(x & 63, 32) & mask, x * y >> 32,
                dot + i & mask, add4, abs(x - y) + 5 & mask, x << (y & 31) & mask, x >> (y & 31) & ((1 << (y >> 8 & 15)) - 1),
                y & ~field & mask | x << low & field, (x & y) ^ (~x & mask | y >> 3), x + y >> 1]

    same(out, np.array([one(i, *pair) for i, pair in enumerate(zip(a.tolist(), b.tolist()))], np.uint32).T)


@case("integers.cu")
def wide_integers(run):
    a, b = random("chains").integers(0, 2**32, (2, 32, 4), np.uint32)
    a[0], b[0] = 0xFFFFFFFF, [1, 0, 0, 0]
    out = np.zeros((32, 8), np.uint32)
    run("wide_integers", 1, 32, out, a, b)

    def number(words):
        return sum(word << 32 * i for i, word in enumerate(words))

    for x, y, row in zip(a.tolist(), b.tolist(), out.tolist()):
        same(number(row[:4]), (number(x) + number(y)) % 2**128)
        same(number(row[4:]), number(x[:2]) * number(y[:2]))


@case("math.cu")
def math_f32(run):
    generator = random("math")
    x, y = (generator.standard_normal((2, 256)) * 6).astype(np.float32)
    out = np.zeros((27, 256), np.float32)
    run("math_f32", 2, 128, out, x, y, np.int32(256))
    a, b = x.astype(np.float64), y.astype(np.float64)
    m = np.abs(a)
    expected = [np.sin(a), np.cos(a), np.tan(a), np.exp(a / 8), np.log(m + np.float32(0.1)), m ** (b / 4), np.sqrt(m), np.cbrt(a),
                np.arctan2(a, b), np.arcsin(np.sin(a)), np.sinh(a / 8), np.tanh(a), of(math.erf, a / 4), of(math.lgamma, m + 1),
                np.fmod(a, b), np.hypot(a, b), np.floor(a), np.rint(a), np.trunc(a), np.copysign(a, b), a / b, a * b + a,
                np.exp2(a / 8), np.log1p(m), np.modf(a)[0], np.add(*np.frexp(a)), np.sin((x * np.float32(1e6)).astype(np.float64))]
    # arcsin is steep where the sine is near one.
    loose = {9: 2e-3, 2: 1e-5, 5: 1e-5}
    for i, (row, wanted) in enumerate(zip(out, expected)):
        close(row, wanted, loose.get(i, 3e-6), loose.get(i, 1e-6))


@case("math.cu")
def math_f64(run):
    x, y = random("double").standard_normal((2, 256)) * 6
    out = np.zeros((20, 256))
    run("math_f64", 2, 128, out, x, y, np.int32(256))
    m = np.abs(x)
    expected = [np.sin(x), np.cos(x), np.tan(x), np.exp(x / 4), np.log(m + 0.1), m ** (y / 4), np.sqrt(m), np.cbrt(x), np.arctan2(x, y),
                np.arcsin(np.sin(x)), np.sinh(x / 8), np.tanh(x), of(math.erf, x / 4), of(math.gamma, m / 8 + 1), np.fmod(x, y),
                np.hypot(x, y), np.floor(x), np.rint(x), x / y, None]
    for i, (row, wanted) in enumerate(zip(out, expected)):
        if wanted is not None:
            close(row, wanted, 1e-7 if i == 9 else 4e-15, 1e-7 if i == 9 else 4e-15)
    # Rounded once: within half a unit in the last place of the exact sum, which two roundings are not always.
    close(out[19], (x.astype(np.longdouble) * y + x).astype(np.float64), 1e-15, 1e-16)


@case("math.cu")
def rounding(run):
    x, y = (random("rounding").standard_normal((2, 300)) * 10).astype(np.float32)
    x[:3], y[:3] = [0.5, -1.5, 2.5], 1
    out = np.zeros((20, 300), np.float32)
    run("rounding", 3, 128, out, x, y, np.int32(300))
    a, b = x.astype(np.longdouble), y.astype(np.longdouble)

    def rounded(exact, mode):
        near = exact.astype(np.float32)
        toward = {"z": near.astype(np.longdouble) * np.sign(exact) > np.abs(exact), "u": near < exact, "d": near > exact}[mode]
        goal = {"z": np.float32(0), "u": np.float32(np.inf), "d": np.float32(-np.inf)}[mode]
        return np.where(toward, np.nextafter(near, goal), near)

    m = np.abs(a)
    exact = {0: x + y, 1: rounded(a + b, "z"), 2: rounded(a + b, "u"), 3: rounded(a + b, "d"), 4: rounded(a * b, "z"),
             5: rounded(a / b, "u"), 6: rounded(np.sqrt(m), "d"), 7: rounded(a * b + a, "z"), 8: np.rint(x), 9: np.floor(x),
             10: np.maximum(np.ceil(x), 0), 11: np.trunc((x * np.float32(1e9)).astype(np.float64)).astype(np.float32),
             12: np.clip(x, 0, 1), 18: np.minimum(x, y), 19: np.trunc(x).astype(np.int32).astype(np.int8)}
    for row, wanted in exact.items():
        np.testing.assert_array_equal(out[row], np.asarray(wanted, np.float32), err_msg=f"row {row}")
    d = x.astype(np.float64)
    for row, wanted in {13: a / b, 14: np.exp(d / 8), 15: np.sin(d / 8), 16: np.log2(np.abs(d) + 1), 17: 1 / np.sqrt(np.abs(d) + 1)}.items():
        close(out[row], wanted.astype(np.float64), 2e-6, 1e-6)


@case("warps.cu")
def warp_votes(run):
    values = random("votes").integers(-4, 5, (4, 32), np.int32)
    values[2] = 3
    out = np.zeros((4, 32, 8), np.uint32)
    run("warp_votes", 2, 64, out, values)

    def mask(flags):
        return sum(1 << i for i, flag in enumerate(flags) if flag)

    for row, found in zip(values, out):
        eighth = [divide(x, 8)[0] for x in row.tolist()]
        uniform = 0xFFFFFFFF if len(set(eighth)) == 1 else 0
        active = mask(row > 0)
        for lane, x in enumerate(row.tolist()):
            up = row[lane - 3] if lane >= 3 else x
            expected = [mask(row > 0), (row == 3).any(), (row >= -4).all(), mask(row == x), uniform + (uniform != 0),
                        active + (row == 2).sum() if x > 0 else 0, row[lane // 16 * 16 + (lane % 8 + 1) % 16], int(up) * 100 + row[lane ^ 5]]
            same(found[lane], [int(e) & 0xFFFFFFFF for e in expected])


@case("warps.cu", since=80)
def warp_reductions(run):
    values = random("redux").integers(-1000, 1000, (3, 32), np.int32)
    out = np.zeros((3, 32, 6), np.int32)
    run("warp_reductions", 3, 32, out, values)
    for row, found in zip(values, out):
        expected = [row.sum(), row.min(), row.max(), np.bitwise_and.reduce(row), np.bitwise_or.reduce(row), np.bitwise_xor.reduce(row)]
        same(found, [expected] * 32)


@case("atomics.cu")
def atomics_32(run):
    n = 300
    values = random("atomics").integers(-(2**20), 2**20, n, np.int32)
    cells = np.zeros(16 + n, np.int32)
    cells[[2, 3, 4]] = [2**31 - 1, -(2**31), -1]
    run("atomics_32", 3, 128, cells, values, np.int32(n))
    same(cells[:4], [values.sum(), -values.sum(), values.min(), values.max()])
    same(cells[4:7], [np.bitwise_and.reduce(values | 0x0F0F), np.bitwise_or.reduce(values & 0xFF), np.bitwise_xor.reduce(values)])
    same(cells[7:12], [n % 10, -n % 13, values.sum(), n, 77])
    same(np.sort(cells[16:]), np.sort(values))


@case("atomics.cu")
def atomics_wide(run):
    n = 200
    wide, single, twice, pairs = np.zeros(4, np.uint64), np.zeros(1, np.float32), np.zeros(1), np.zeros((4, 2), np.float16)
    run("atomics_wide", 2, 128, wide, single, twice, pairs, np.int32(n))
    bits = 0
    for i in range(n):
        bits ^= 1 << i % 64
    same(wide, np.array([n * (n - 1) // 2 << 20, (n - 1) * 0x100000001, 5, bits], np.uint64))
    same([single[0], twice[0]], [n / 2, n * (n - 1) / 8])
    same(pairs, [[n / 4, n / 2]] * 4)


@case("atomics.cu")
def spin_lock(run):
    lock, count, own_lock, own_count = (np.zeros(1, np.int32) for _ in range(4))
    run("spin_lock", 4, 64, lock, count, own_lock, own_count)
    same([lock[0], count[0], own_lock[0], own_count[0]], [0, 8, 0, 256])


@case("atomics.cu")
def producer_consumer(run):
    out = np.zeros(20, np.int32)
    run("producer_consumer", 1, 64, out, np.int32(20))
    same(out, np.arange(1, 21) ** 2)


@case("threads.cu")
def monte_carlo(run):
    inside = np.zeros(1, np.uint64)
    run("monte_carlo", 4, 128, inside, np.uint32(12345), np.int32(60))
    s = np.uint32(12345) ^ (np.arange(1, 513, dtype=np.uint64) * 2654435761 & 0xFFFFFFFF).astype(np.uint32)

    def step():
        nonlocal s
        s = s ^ s << np.uint32(13)
        s = s ^ s >> np.uint32(17)
        s = s ^ s << np.uint32(5)
        return (s >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)

    hits = 0
    for _ in range(60):
        x, y = step().astype(np.float64), step().astype(np.float64)
        hits += (x * x + y * y < 1).sum()
    # A product that is rounded first may fall on the other side.
    close(inside[0], hits, 1e-3)


# Cooperative groups and eight bits


@case("groups.cu")
def tiles(run):
    values = random("tiles").integers(0, 9, (8, 8), np.int32)
    out = np.zeros((8, 8, 3), np.int32)
    run("tiles", 2, 32, out, values)
    rank = np.arange(8)[None]
    same(out[..., 0], np.broadcast_to(values.sum(axis=1, keepdims=True), (8, 8)))
    same(out[..., 1], (values == 5).any(axis=1, keepdims=True) * 10 + rank)
    same(out[..., 2], np.roll(values, -1, axis=1))


@case("groups.cu")
def coalesced(run):
    values = random("coalesced").integers(0, 100, 128, np.int32)
    count, rank = np.zeros(1, np.int32), np.zeros(128, np.int32)
    run("coalesced", 2, 64, count, rank, values)
    odd = (values % 2 == 1).reshape(4, 32)
    same(count[0], odd.sum())
    same(rank.reshape(4, 32), np.where(odd, odd.cumsum(axis=1) - 1, -1))


@case("fp8.cu")
def fp8_round_trip(run):
    values = (random("fp8").standard_normal(256) * 20).astype(np.float32)
    values[:6] = [0, 1e9, -1e9, 1e-9, 448, 0.001953125]
    out, bits = np.zeros((2, 256), np.float32), np.zeros((2, 256), np.uint8)
    run("fp8_round_trip", 2, 128, out, bits, values, np.int32(256))

    def round_to(x, mantissa, least_exponent, largest):
        exponent = np.maximum(np.floor(np.log2(np.maximum(np.abs(x), 1e-30))), least_exponent)
        unit = np.exp2(exponent - mantissa)
        return np.clip(np.rint(x / unit) * unit, -largest, largest)

    same(out[0], round_to(values.astype(np.float64), 3, -6, 448))
    same(out[1], round_to(values.astype(np.float64), 2, -14, 57344))


# The device runtime


@case("runtime.cu")
def lists(run):
    out = np.zeros((64, 5), np.int32)
    run("lists", 2, 32, out, np.int32(5))
    same(out, np.arange(64)[:, None] * 100 + np.arange(5))


@case("runtime.cu")
def print_(run):
    counts = np.full(4, -1, np.int32)
    run("print", 1, 4, counts, printed="thread 0 of corpus:  0.00%\nthread 2 of corpus:  3.00%\n")
    same(counts, [3, -1, 3, -1])


@case("runtime.cu")
def rotate_blocks(run):
    values = np.arange(4 * 64, dtype=np.int32)
    expected = np.roll(values, 3 * 64) + 3
    run("rotate_blocks", 4, 64, values, np.zeros_like(values), np.int32(3), cooperative=True)
    same(values, expected)
