//! The pool on memory that is only counted: whatever is asked of it, and in whatever order.
#![allow(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use pipe_pool::{ALIGNMENT, Block, Config, FreeError, Layout, Pool, Source};
use proptest::prelude::*;

/// Slabs by address.
#[derive(Debug, Default)]
struct Ledger {
    slabs: BTreeMap<u64, u64>,
    next: u64,
}

/// A device with so many bytes.
#[derive(Debug, Clone)]
struct Memory {
    ledger: Rc<RefCell<Ledger>>,
    capacity: u64,
}

impl Memory {
    fn of(capacity: u64) -> Self {
        Self { ledger: Rc::default(), capacity }
    }

    fn used(&self) -> u64 {
        self.ledger.borrow().slabs.values().sum()
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Exhausted;

impl Source for Memory {
    type Error = Exhausted;

    fn allocate(&mut self, bytes: u64) -> Result<u64, Exhausted> {
        if self.used().checked_add(bytes).is_none_or(|used| used > self.capacity) {
            return Err(Exhausted);
        }
        let mut ledger = self.ledger.borrow_mut();
        // Slabs are neighbours, and must not become one for that.
        let address = ledger.next.max(ALIGNMENT);
        ledger.next = address + bytes.next_multiple_of(ALIGNMENT);
        ledger.slabs.insert(address, bytes);
        Ok(address)
    }

    fn free(&mut self, address: u64) {
        assert!(self.ledger.borrow_mut().slabs.remove(&address).is_some(), "{address:#x} was never given");
    }
}

/// What a caller does.
#[derive(Debug, Clone)]
enum Step {
    Allocate(u64),
    /// Gives back one of the blocks held, by number.
    Free(usize),
    Trim,
}

fn steps(largest: u64) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0..largest).prop_map(Step::Allocate),
        // Sizes that come again, as those of a model's tensors do.
        3 => prop::sample::select(vec![1_u64, 4096, 5000, 65_536]).prop_map(Step::Allocate),
        7 => any::<prop::sample::Index>().prop_map(|index| Step::Free(index.index(1 << 20))),
        1 => Just(Step::Trim),
    ];
    prop::collection::vec(step, 1..200)
}

fn layouts() -> impl Strategy<Value = Layout> {
    prop_oneof![
        Just(Layout::Slabs { bytes: 1 << 18 }),
        Just(Layout::Slabs { bytes: 0 }),
        Just(Layout::Dedicated)
    ]
}

fn config(layout: Layout) -> impl Strategy<Value = Config> {
    let limits = (0..6_usize, 0.0..1.0_f64, prop_oneof![Just(0), Just(1 << 19), Just(u64::MAX)]);
    limits.prop_map(move |(hot_blocks, fragmentation_threshold, keep_bytes)| Config {
        layout,
        hot_blocks,
        fragmentation_threshold,
        keep_bytes,
    })
}

/// Follows the steps, and calls `look` after each with the blocks held.
fn follow(
    pool: &mut Pool<Memory>,
    steps: &[Step],
    mut look: impl FnMut(&Pool<Memory>, &[Block]),
) -> Vec<Block> {
    let mut held: Vec<Block> = Vec::new();
    for step in steps {
        match step {
            Step::Allocate(bytes) => held.extend(pool.allocate(*bytes).ok()),
            Step::Free(_) if held.is_empty() => {}
            Step::Free(index) => pool.free(held.swap_remove(index % held.len()).address).unwrap(),
            Step::Trim => pool.trim(),
        }
        look(pool, &held);
    }
    held
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn blocks_lie_apart_aligned_and_within_what_the_source_gave(
        (config, steps) in layouts().prop_flat_map(|layout| (config(layout), steps(100_000)))
    ) {
        let memory = Memory::of(4 << 20);
        let mut pool = Pool::new(memory.clone(), config);
        follow(&mut pool, &steps, |pool, held| {
            let mut held = held.to_vec();
            held.sort_unstable_by_key(|block| block.address);
            for pair in held.windows(2) {
                assert!(pair[0].address + pair[0].bytes <= pair[1].address, "{pair:x?} overlap");
            }
            let ledger = memory.ledger.borrow();
            for block in &held {
                assert_eq!(block.address % ALIGNMENT, 0);
                let (slab, bytes) = ledger.slabs.range(..=block.address).next_back().unwrap();
                assert!(block.address + block.bytes <= slab + bytes, "{block:x?} leaves its slab");
            }
            let stats = pool.stats();
            assert_eq!(stats.live_bytes, held.iter().map(|block| block.bytes).sum::<u64>());
            assert_eq!(stats.reserved_bytes, ledger.slabs.values().sum::<u64>());
            assert!(stats.live_bytes <= stats.block_bytes && stats.block_bytes <= stats.reserved_bytes);
            assert!((0.0..=1.0).contains(&stats.fragmentation()));
        });
    }

    #[test]
    fn a_block_is_less_than_an_eighth_or_the_alignment_larger_than_what_was_asked_for(bytes in 1_u64..1 << 40) {
        let mut pool = Pool::new(Memory::of(1 << 60), Config::default());
        pool.allocate(bytes).unwrap();
        let waste = pool.stats().block_bytes - bytes;
        prop_assert!(waste < (bytes / 8).max(ALIGNMENT), "{waste} of {bytes}");
    }

    #[test]
    fn when_all_is_given_back_every_slab_is_whole_again_and_goes(
        (config, steps) in layouts().prop_flat_map(|layout| (config(layout), steps(100_000)))
    ) {
        let memory = Memory::of(u64::MAX);
        let mut pool = Pool::new(memory.clone(), config);
        for block in follow(&mut pool, &steps, |_, _| {}) {
            pool.free(block.address).unwrap();
        }
        pool.merge();
        let (stats, largest) = (pool.stats(), memory.ledger.borrow().slabs.values().copied().max());
        prop_assert_eq!((stats.live_bytes, stats.block_bytes), (0, 0));
        prop_assert_eq!(stats.largest_free_bytes, largest.unwrap_or(0), "a slab is still in pieces");
        pool.trim();
        prop_assert_eq!((pool.stats().reserved_bytes, memory.used()), (0, 0));
    }

    /// What the pool takes from the device stays near what was in use at once, whatever the order.
    #[test]
    fn fragmentation_is_bounded(steps in steps(60_000)) {
        let slab = 1 << 18;
        let config = Config { layout: Layout::Slabs { bytes: slab }, ..Config::default() };
        let mut pool = Pool::new(Memory::of(u64::MAX), config);
        follow(&mut pool, &steps, |_, _| {});
        let stats = pool.stats();
        prop_assert!(stats.peak_reserved_bytes <= 2 * stats.peak_live_bytes + 2 * slab, "{stats:?}");
    }

    #[test]
    fn a_full_device_gives_what_is_left(sizes in prop::collection::vec(1_u64..1 << 20, 1..20)) {
        // The hot cache and free slabs never keep anyone from memory that nobody holds.
        let memory = Memory::of(2 << 20);
        let mut pool = Pool::new(memory, Config::default());
        for bytes in sizes {
            let block = pool.allocate(bytes);
            prop_assert!(block.is_ok(), "{bytes} bytes: {block:?}, {:?}", pool.stats());
            pool.free(block.unwrap().address).unwrap();
        }
    }
}

#[test]
fn what_was_given_back_last_comes_first() {
    let mut pool = Pool::new(Memory::of(u64::MAX), Config::default());
    let blocks: Vec<Block> = (0..3).map(|_| pool.allocate(1000).unwrap()).collect();
    let other = pool.allocate(5000).unwrap();
    for block in [blocks[0], other, blocks[2]] {
        pool.free(block.address).unwrap();
    }
    assert_eq!(pool.allocate(1024).unwrap().address, blocks[2].address, "the same class, the last of it");
    assert_eq!(pool.allocate(1000).unwrap().address, blocks[0].address);
    assert_eq!(pool.stats().hot_cache_hits, 2);
    assert_eq!(pool.stats().source_allocations, 1, "one slab for all of it");
}

#[test]
fn pieces_become_one_before_a_slab_is_taken() {
    let mut pool = Pool::new(
        Memory::of(1 << 20),
        Config {
            layout: Layout::Slabs { bytes: 1 << 20 },
            fragmentation_threshold: 1.0,
            ..Config::default()
        },
    );
    let blocks: Vec<Block> = (0..4).map(|_| pool.allocate(1 << 18).unwrap()).collect();
    for block in &blocks {
        pool.free(block.address).unwrap();
    }
    assert!(pool.stats().fragmentation() > 0.7, "four hot blocks: {:?}", pool.stats());
    assert_eq!(pool.allocate(1 << 20).unwrap().address, blocks[0].address);
}

#[test]
fn dedicated_blocks_have_exactly_their_bytes() {
    let memory = Memory::of(u64::MAX);
    let config = Config { layout: Layout::Dedicated, ..Config::default() };
    let mut pool = Pool::new(memory.clone(), config);
    let block = pool.allocate(1001).unwrap();
    assert_eq!(memory.ledger.borrow().slabs[&block.address], 1001);
    pool.free(block.address).unwrap();
    assert_ne!(pool.allocate(1000).unwrap().address, block.address);
    assert_eq!(pool.allocate(1001).unwrap().address, block.address);
}

#[test]
fn what_is_no_block_cannot_be_given_back() {
    let mut pool = Pool::new(Memory::of(1 << 20), Config { hot_blocks: 0, ..Config::default() });
    let block = pool.allocate(1000);
    assert_eq!(pool.free(1), Err(FreeError { address: 1 }));
    let block = block.unwrap();
    assert_eq!(pool.free(block.address), Ok(()));
    let error = pool.free(block.address).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{:#x} is no block of the pool, or was given back before", block.address)
    );
    assert_eq!(pool.allocate(2 << 20), Err(Exhausted));
    assert_eq!(pool.allocate(u64::MAX), Err(Exhausted));
}

#[test]
fn no_more_is_kept_than_the_limit() {
    let memory = Memory::of(u64::MAX);
    let config = Config { layout: Layout::Dedicated, keep_bytes: 5000, ..Config::default() };
    let mut pool = Pool::new(memory.clone(), config);
    let blocks: Vec<Block> = [1000, 2000, 4000].map(|bytes| pool.allocate(bytes).unwrap()).into();
    for block in &blocks {
        pool.free(block.address).unwrap();
    }
    assert_eq!((memory.used(), pool.stats().free_bytes()), (3000, 3000), "the largest went");
}

#[test]
fn a_dropped_pool_leaves_nothing() {
    let memory = Memory::of(u64::MAX);
    let mut pool = Pool::new(memory.clone(), Config::default());
    let _live = pool.allocate(1).unwrap();
    let free = pool.allocate(3 << 20).unwrap();
    pool.free(free.address).unwrap();
    assert!(memory.used() > 0);
    drop(pool);
    assert_eq!(memory.used(), 0);
}
