//! Small integers as values of PTX's types, for tests whose results are exact.

/// A small integer as a value of a type, in its low bits.
pub(crate) fn encode(ty: &str, value: i64) -> u64 {
    let x = value as f32;
    match ty {
        "f16" => u64::from(half::f16::from_f32(x).to_bits()),
        "bf16" => u64::from(half::bf16::from_f32(x).to_bits()),
        "f32" | "tf32" => u64::from(x.to_bits()),
        "f64" => f64::from(x).to_bits(),
        "e5m2" => u64::from(half::f16::from_f32(x).to_bits() >> 8),
        // Rebias the exponent of binary16, 15, to 7: the integers used here have three bits of fraction.
        "e4m3" if value == 0 => 0,
        "e4m3" => {
            let bits = half::f16::from_f32(x).to_bits();
            u64::from(((bits >> 7 & 0xff) - (8 << 3)) | (bits >> 8 & 0x80))
        }
        "u8" | "s8" => u64::from(value as u8),
        _ => u64::from(value as u32),
    }
}

pub(crate) fn decode(ty: &str, bits: u64) -> i64 {
    match ty {
        "f16" => half::f16::from_bits(bits as u16).to_f32() as i64,
        "f32" => f32::from_bits(bits as u32) as i64,
        "f64" => f64::from_bits(bits) as i64,
        _ => i64::from(bits as i32),
    }
}

pub(crate) fn bits_of(ty: &str) -> usize {
    match ty {
        "f64" => 64,
        "f32" | "tf32" | "s32" => 32,
        "f16" | "bf16" => 16,
        _ => 8,
    }
}

/// A generator good enough for test matrices.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self, below: u64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i64 % below as i64
    }

    pub(crate) fn matrix(&mut self, rows: usize, columns: usize, lowest: i64, highest: i64) -> Vec<Vec<i64>> {
        let below = (highest - lowest + 1) as u64;
        (0..rows).map(|_| (0..columns).map(|_| lowest + self.next(below)).collect()).collect()
    }
}

/// Packs a lane's elements into 32-bit words.
pub(crate) fn pack(ty: &str, values: &[i64]) -> Vec<u32> {
    let bits = bits_of(ty);
    let mut words = vec![0u32; (values.len() * bits).div_ceil(32)];
    for (i, value) in values.iter().enumerate() {
        let encoded = encode(ty, *value);
        if bits == 64 {
            words[2 * i] = encoded as u32;
            words[2 * i + 1] = (encoded >> 32) as u32;
        } else {
            words[i * bits / 32] |= (encoded as u32) << (i * bits % 32);
        }
    }
    words
}

pub(crate) fn unpack(ty: &str, words: &[u32], i: usize) -> i64 {
    let bits = bits_of(ty);
    let word = u64::from(words[i * bits / 32]);
    match bits {
        64 => decode(ty, word | u64::from(words[2 * i + 1]) << 32),
        32 => decode(ty, word),
        _ => decode(ty, word >> (i * bits % 32) & 0xffff),
    }
}
