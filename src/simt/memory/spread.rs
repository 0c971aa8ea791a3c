//! How the lanes of a request lie to its first lane.
//!
//! From one run of an instruction to the next its addresses move, but most often all by the same. So a request is one
//! address and 32 distances, and what follows from the distances alone need not be found out again.

use crate::registers::{LANES, Lanes};

/// Distances of 32 lanes from lane 0 in bytes, and what bounds them. Only this file makes one, so that others can rely
/// on the bounds.
#[derive(Debug, Clone)]
pub(crate) struct Spread {
    distances: Lanes<i32>,
    lowest: i32,
    highest: i32,
    /// Every bit that is set in one of the distances.
    bits: i32,
    /// The distance between neighbours, if it is the same for all.
    stride: Option<i32>,
}

impl Spread {
    /// One that no addresses have.
    pub(crate) fn none() -> Self {
        // The distance of lane 0 from itself is 0 in every other.
        Spread { distances: Lanes([1; LANES]), lowest: 1, highest: 1, bits: 1, stride: None }
    }

    /// That of some addresses; `None` if a lane is 2 GiB away from the first or farther.
    pub(crate) fn of(addresses: &[u64; LANES]) -> Option<Self> {
        let mut spread =
            Spread { distances: Lanes([0; LANES]), lowest: 0, highest: 0, bits: 0, stride: None };
        for (distance, address) in spread.distances.0.iter_mut().zip(addresses) {
            *distance = i32::try_from(address.wrapping_sub(addresses[0]) as i64).ok()?;
            spread.lowest = spread.lowest.min(*distance);
            spread.highest = spread.highest.max(*distance);
            spread.bits |= *distance;
        }
        let stride = spread.distances.0[1];
        let mut lanes = (0i64..).zip(&spread.distances.0);
        let even = lanes.all(|(lane, distance)| lane * i64::from(stride) == i64::from(*distance));
        spread.stride = even.then_some(stride);
        Some(spread)
    }

    /// Whether addresses are spread like this.
    #[inline(always)]
    pub(crate) fn fits(&self, addresses: &[u64; LANES]) -> bool {
        let mut differ = 0;
        for i in 0..LANES {
            differ |= addresses[i].wrapping_sub(addresses[0]) ^ i64::from(self.distances.0[i]) as u64;
        }
        differ == 0
    }

    /// As [`Spread::fits`], of addresses of 32 bits.
    #[inline(always)]
    pub(crate) fn fits_narrow(&self, addresses: &[u32; LANES]) -> bool {
        let mut differ = 0;
        for i in 0..LANES {
            differ |= addresses[i].wrapping_sub(addresses[0]) ^ self.distances.0[i] as u32;
        }
        // Distances count modulo 2³² here; between 0 and 2³² there is only one address for each.
        let first = i64::from(addresses[0]);
        let inside =
            first + i64::from(self.lowest) >= 0 && first + i64::from(self.highest) <= i64::from(u32::MAX);
        differ == 0 && inside
    }

    /// The lowest and the highest address of a request, unless they wrap.
    #[inline(always)]
    pub(crate) fn ends(&self, first: u64) -> Option<(u64, u64)> {
        let low = first.checked_add_signed(i64::from(self.lowest))?;
        Some((low, first.checked_add_signed(i64::from(self.highest))?))
    }

    /// The lowest and the highest distance from lane 0.
    pub(crate) fn range(&self) -> (i32, i32) {
        (self.lowest, self.highest)
    }

    /// Whether all addresses of a request are multiples of `size`, a power of two.
    #[inline(always)]
    pub(crate) fn is_aligned(&self, first: u64, size: u64) -> bool {
        (first | self.bits as u64) & (size - 1) == 0
    }

    /// The distance between neighbours in bytes, if it is the same for all lanes.
    #[inline(always)]
    pub(crate) fn stride(&self) -> Option<i32> {
        self.stride
    }

    /// The distance of a lane from lane 0: not below the lowest, not above the highest.
    #[inline(always)]
    pub(crate) fn distance(&self, lane: usize) -> i64 {
        i64::from(self.distances.0[lane])
    }

    /// The addresses of a request.
    pub(crate) fn addresses(&self, first: u64) -> [u64; LANES] {
        std::array::from_fn(|lane| first.wrapping_add_signed(self.distance(lane)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_fits_what_it_came_from_wherever_that_is() {
        for stride in [0i64, 4, -4, 1024, 1 << 25, -(1 << 26)] {
            let at = |first: u64| std::array::from_fn(|lane| first.wrapping_add_signed(lane as i64 * stride));
            let spread = Spread::of(&at(1 << 40)).unwrap();
            assert_eq!(spread.stride().map(i64::from), Some(stride));
            assert!(spread.fits(&at(1 << 40)) && spread.fits(&at(12_345)));
            assert_eq!(spread.addresses(1 << 40), at(1 << 40));
            for lane in 0..LANES {
                let mut other: [u64; LANES] = at(1 << 40);
                other[lane] ^= 1 << 33;
                assert!(!spread.fits(&other), "lane {lane}");
            }
        }
        assert!(Spread::of(&std::array::from_fn(|lane| (lane as u64) << 31)).is_none());
        assert!(!Spread::none().fits(&[7; LANES]));
    }

    #[test]
    fn narrow_addresses_that_wrap_do_not_fit() {
        let at = |first: u32| std::array::from_fn(|lane| first.wrapping_add(4 * lane as u32));
        let spread = Spread::of(&std::array::from_fn(|lane| 4 * lane as u64)).unwrap();
        assert!(spread.fits_narrow(&at(0)) && spread.fits_narrow(&at(u32::MAX - 124)));
        assert!(!spread.fits_narrow(&at(u32::MAX - 123)));
        assert_eq!(spread.ends(8), Some((8, 132)));
        assert_eq!(spread.ends(u64::MAX - 100), None);
    }
}
