//! The reference result in f64, fast enough that checking never costs more than measuring.
//!
//! Work is spread over (batch, head, segment) and, inside a segment, over tiles of queries. A tile's scores
//! and its weighted sum are both products of a tall-thin left side with a packed right side, so one
//! register-blocked loop does all the arithmetic; `pulp` compiles it for the widest vectors that this CPU
//! has. Every output element is summed in one fixed order, whatever the number of threads.

use std::array;

use pipe_kernels::Group;
use pulp::Arch;
use rayon::prelude::*;

use super::Shape;

/// Queries of a tile.
const ROWS: usize = 4;
/// Columns of a packed panel.
const COLUMNS: usize = 8;

/// `[depth]` rows of one tile: element `d` of every row of the tile side by side.
type Tile = [[f64; ROWS]];
/// Right sides, cut into panels of [`COLUMNS`] columns, each `[depth][COLUMNS]`, one after the other.
type Panels = [[f64; COLUMNS]];

impl Shape {
    /// The right answer for these inputs, each `[batch_size, seq_len, num_heads, head_dim]`.
    pub fn reference(&self, q: &[f32], k: &[f32], v: &[f32]) -> Vec<f64> {
        let head_dim = self.head_dim;
        let items: Vec<Item> = self.groups.iter().flat_map(|group| self.items(group)).collect();
        let results: Vec<Vec<f64>> = items.par_iter().map(|item| self.attend(item, [q, k, v])).collect();

        let mut out = vec![0.0; q.len()];
        for (item, result) in items.iter().zip(&results) {
            for (row, vector) in item.rows().zip(result.chunks_exact(head_dim)) {
                out[row * head_dim..][..head_dim].copy_from_slice(vector);
            }
        }
        out
    }

    /// The independent parts of a group's work.
    fn items(&self, group: &Group) -> impl Iterator<Item = Item> + use<> {
        let (seq_len, num_heads) = (self.seq_len, self.num_heads);
        let [segment_length, rate, offset, first_head, heads, count] = [
            group.segment_length,
            group.dilation_rate,
            group.offset,
            group.first_head,
            group.num_heads,
            group.kept,
        ]
        .map(|value| value as usize);
        (0..self.batch_size * seq_len / segment_length).flat_map(move |segment| {
            (first_head..first_head + heads).map(move |head| Item {
                first: (segment * segment_length + offset) * num_heads + head,
                stride: rate * num_heads,
                count,
            })
        })
    }

    /// Attention among the kept positions of one segment: `[kept, head_dim]`, divided by the number of
    /// groups.
    fn attend(&self, item: &Item, [q, k, v]: [&[f32]; 3]) -> Vec<f64> {
        let head_dim = self.head_dim;
        let vector = |tensor: &'_ [f32], row: usize, element: usize| -> f64 {
            f64::from(tensor[row * head_dim + element])
        };
        let kept: Vec<usize> = item.rows().collect();
        let mut out = vec![0.0; kept.len() * head_dim];
        let block = self.sparsity.map_or(kept.len(), |sparsity| sparsity.block as usize).max(1);
        for (own, out) in out.chunks_mut(block * head_dim).enumerate() {
            let seen = self.seen(own, kept.len());
            self.attend_block(&kept, own * block, &seen, out, &vector, [q, k, v]);
        }
        out
    }

    /// The kept positions, by number, that the queries of block `own` of a segment see, a later query aside; ascending.
    fn seen(&self, own: usize, kept: usize) -> Vec<usize> {
        let Some(sparsity) = &self.sparsity else { return (0..kept).collect() };
        let block = sparsity.block as usize;
        let visible = sparsity.visible(own as u64, kept.div_ceil(block) as u64, self.causal);
        visible.blocks().flat_map(|index| (index as usize * block..kept).take(block)).collect()
    }

    /// Attention of the queries from kept position number `first_query` on, as many as `out` has rows, to the kept
    /// positions `seen`.
    fn attend_block(
        &self,
        kept: &[usize],
        first_query: usize,
        seen: &[usize],
        out: &mut [f64],
        vector: &(dyn Fn(&[f32], usize, usize) -> f64 + Sync),
        [q, k, v]: [&[f32]; 3],
    ) {
        let head_dim = self.head_dim;
        // Keys as columns, elements as depth; values as depth, elements as columns.
        let keys = pack(head_dim, seen.len(), |element, key| vector(k, kept[seen[key]], element));
        let values = pack(seen.len(), head_dim, |key, element| vector(v, kept[seen[key]], element));

        let scale = 1.0 / (head_dim as f64).sqrt();
        out.par_chunks_mut(ROWS * head_dim).enumerate().for_each(|(tile, out)| {
            let first = first_query + tile * ROWS;
            let queries: Vec<[f64; ROWS]> = (0..head_dim)
                .map(|element| {
                    array::from_fn(|row| {
                        kept.get(first + row).map_or(0.0, |query| vector(q, *query, element) * scale)
                    })
                })
                .collect();
            // Keys that any query of the tile may see.
            let visible =
                if self.causal { seen.partition_point(|key| *key < first + ROWS) } else { seen.len() };
            Arch::new().dispatch(|| {
                let mut weights = scores(&queries, &keys, visible);
                if self.causal {
                    hide_the_future(&mut weights, seen, first);
                }
                let sums = softmax(&mut weights);
                for (panel, columns) in values.chunks_exact(seen.len()).enumerate() {
                    let product = multiply(&weights, columns);
                    for ((row, vector), sum) in product.iter().zip(out.chunks_exact_mut(head_dim)).zip(sums) {
                        for (value, out) in row.iter().zip(vector.iter_mut().skip(panel * COLUMNS)) {
                            *out = value / (sum * self.groups.len() as f64);
                        }
                    }
                }
            });
        });
    }
}

/// One segment of one head of one sequence.
struct Item {
    /// Row (of `head_dim` elements) of the first kept position.
    first: usize,
    /// Rows from one kept position to the next.
    stride: usize,
    /// Kept positions.
    count: usize,
}

impl Item {
    /// Where the kept positions lie.
    fn rows(&self) -> impl Iterator<Item = usize> + use<> {
        let (first, stride) = (self.first, self.stride);
        (0..self.count).map(move |index| first + index * stride)
    }
}

/// Packs a `[depth, columns]` matrix into panels; the last panel is filled up with zeros.
fn pack(depth: usize, columns: usize, element: impl Fn(usize, usize) -> f64) -> Vec<[f64; COLUMNS]> {
    let panels = columns.div_ceil(COLUMNS);
    let mut packed = Vec::with_capacity(panels * depth);
    for panel in 0..panels {
        for row in 0..depth {
            packed.push(array::from_fn(|lane| {
                let column = panel * COLUMNS + lane;
                if column < columns { element(row, column) } else { 0.0 }
            }));
        }
    }
    packed
}

/// `left · right` for one panel, `[ROWS][COLUMNS]`, over the shorter of the two depths.
#[inline(always)]
fn multiply(left: &Tile, right: &Panels) -> [[f64; COLUMNS]; ROWS] {
    let mut sum = [[0.0; COLUMNS]; ROWS];
    for (left, right) in left.iter().zip(right) {
        for row in 0..ROWS {
            for column in 0..COLUMNS {
                sum[row][column] += left[row] * right[column];
            }
        }
    }
    sum
}

/// The scores of a tile of queries against the first `visible` keys: `[visible][ROWS]`.
#[inline(always)]
fn scores(queries: &Tile, keys: &Panels, visible: usize) -> Vec<[f64; ROWS]> {
    let mut scores = Vec::with_capacity(visible.next_multiple_of(COLUMNS));
    for panel in keys.chunks_exact(queries.len()).take(visible.div_ceil(COLUMNS)) {
        let product = multiply(queries, panel);
        scores
            .extend((0..COLUMNS).map(|column| -> [f64; ROWS] { array::from_fn(|row| product[row][column]) }));
    }
    scores.truncate(visible);
    scores
}

/// Takes keys after a query's own position out of its softmax. The scores are those of the kept positions `keys`, and the
/// tile's first query is the `first` kept one.
#[inline(always)]
fn hide_the_future(scores: &mut Tile, keys: &[usize], first: usize) {
    let begin = keys.partition_point(|key| *key < first);
    for (scores, key) in scores.iter_mut().zip(keys).skip(begin) {
        for (row, score) in scores.iter_mut().enumerate() {
            if *key > first + row {
                *score = f64::NEG_INFINITY;
            }
        }
    }
}

/// Turns scores into unnormalised weights, exp(score − max); returns what each row sums to.
#[inline(always)]
fn softmax(scores: &mut Tile) -> [f64; ROWS] {
    let mut max = [f64::NEG_INFINITY; ROWS];
    for scores in scores.iter() {
        for row in 0..ROWS {
            max[row] = max[row].max(scores[row]);
        }
    }
    let mut sum = [0.0; ROWS];
    for scores in scores.iter_mut() {
        for row in 0..ROWS {
            scores[row] = (scores[row] - max[row]).exp();
            sum[row] += scores[row];
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use pipe_kernels::Op;
    use pipe_model::{Case, Dtype};

    use super::*;
    use crate::op::inputs;

    /// The definition, one position at a time.
    fn by_definition(shape: &Shape, groups: &[(usize, usize)], q: &[f32], k: &[f32], v: &[f32]) -> Vec<f64> {
        let [batch_size, seq_len, num_heads, head_dim] = shape.sizes();
        let mut out = vec![0.0; q.len()];
        let at = |b: usize, s: usize, h: usize| ((b * seq_len + s) * num_heads + h) * head_dim;
        let mut heads = 0..num_heads;
        for (index, (segment_length, dilation_rate)) in groups.iter().enumerate() {
            let share = num_heads / groups.len() + usize::from(index < num_heads % groups.len());
            for h in heads.by_ref().take(share) {
                for b in 0..batch_size {
                    for start in (0..seq_len).step_by(*segment_length) {
                        let kept: Vec<usize> = (start..start + segment_length)
                            .filter(|s| (s - start) % dilation_rate == index % dilation_rate)
                            .collect();
                        for (own, i) in kept.iter().enumerate() {
                            let mut weights: Vec<(usize, f64)> = Vec::new();
                            let sees = |key: usize| {
                                let Some(sparsity) = shape.sparsity else { return true };
                                let block = sparsity.block as usize;
                                let blocks = kept.len().div_ceil(block) as u64;
                                let mut seen =
                                    sparsity.visible((own / block) as u64, blocks, shape.causal).blocks();
                                seen.any(|block| block == (key / sparsity.block as usize) as u64)
                            };
                            for (_, j) in kept
                                .iter()
                                .enumerate()
                                .filter(|(key, j)| (!shape.causal || *j <= i) && sees(*key))
                            {
                                let dot: f64 = (0..head_dim)
                                    .map(|e| f64::from(q[at(b, *i, h) + e]) * f64::from(k[at(b, *j, h) + e]))
                                    .sum();
                                weights.push((*j, (dot / (head_dim as f64).sqrt()).exp()));
                            }
                            let total: f64 = weights.iter().map(|(_, w)| w).sum();
                            for (j, weight) in weights {
                                for e in 0..head_dim {
                                    out[at(b, *i, h) + e] +=
                                        weight / total * f64::from(v[at(b, j, h) + e]) / groups.len() as f64;
                                }
                            }
                        }
                    }
                }
            }
        }
        out
    }

    #[test]
    fn agrees_with_the_definition() {
        // Odd heads and batches, tiles and panels that do not fill, rates over the segment length, a group
        // that keeps nothing, a group without heads.
        type Grouped<'a> = ([usize; 4], &'a [(usize, usize)]);
        let shapes: &[Grouped<'_>] = &[
            ([1, 16, 1, 8], &[(16, 1)]),
            ([3, 24, 5, 6], &[(8, 1), (12, 2)]),
            ([2, 30, 3, 13], &[(15, 4), (30, 7), (5, 1)]),
            ([1, 12, 2, 3], &[(4, 9), (2, 5), (12, 1)]),
            ([1, 4, 2, 8], &[(2, 1), (1, 2)]),
        ];
        let patterns = [None, Some("local-window"), Some("dilated-sparse"), Some("global-local")];
        for ((sizes, groups), pattern) in
            shapes.iter().flat_map(|shape| patterns.map(|pattern| (shape, pattern)))
        {
            for causal in [false, true] {
                let [batch_size, seq_len, num_heads, head_dim] = sizes.map(|size| Some(size as u64));
                let list = |of: fn(&(usize, usize)) -> usize| {
                    groups.iter().map(|group| of(group).to_string()).collect::<Vec<_>>().join(",")
                };
                let parameters = [
                    ("segment_lengths", list(|group| group.0)),
                    ("dilation_rates", list(|group| group.1)),
                    ("causal", causal.to_string()),
                    ("pattern", pattern.unwrap_or("local-window").to_owned()),
                    ("block", "3".to_owned()),
                    ("sparsity", "0.5".to_owned()),
                ];
                let case = Case {
                    batch_size,
                    seq_len,
                    num_heads,
                    head_dim,
                    dtype: Some(Dtype::F32),
                    parameters: parameters.map(|(name, value)| (name.to_owned(), value)).into(),
                };
                let op = pattern.map_or(Op::DilatedAttention, |_| Op::BlockSparseDilatedAttention);
                let shape = Shape::new(op, &case).unwrap();
                let [q, k, v] = inputs::attention(*sizes, Dtype::F32, 0);
                let fast = shape.reference(&q, &k, &v);
                let slow = by_definition(&shape, groups, &q, &k, &v);
                let worst = fast.iter().zip(&slow).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(worst < 1e-13, "{shape:?}: off by {worst:e}");
            }
        }
    }
}
