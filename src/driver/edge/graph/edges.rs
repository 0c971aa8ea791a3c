//! The order of a graph's nodes: its edges, and lists of nodes for the caller.

use super::super::{list_at, null};
use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};

/// Pairs of nodes from two lists.
///
/// # Safety
///
/// Each list is null or valid for `count` reads.
unsafe fn edges_at(
    from: *const CUgraphNode,
    to: *const CUgraphNode,
    count: usize,
) -> Answer<Vec<(CUgraphNode, CUgraphNode)>> {
    // SAFETY: as this function demands.
    let (from, to) = unsafe { (list_at(from, count)?, list_at(to, count)?) };
    Ok(from.into_iter().zip(to).collect())
}

pub(crate) unsafe fn cuGraphAddDependencies(
    driver: &Driver,
    graph: CUgraph,
    from: *const CUgraphNode,
    to: *const CUgraphNode,
    count: usize,
) -> Answer {
    // SAFETY: as the module demands.
    driver.change_edges(graph, &unsafe { edges_at(from, to, count) }?, true)
}

pub(crate) unsafe fn cuGraphRemoveDependencies(
    driver: &Driver,
    graph: CUgraph,
    from: *const CUgraphNode,
    to: *const CUgraphNode,
    count: usize,
) -> Answer {
    // SAFETY: as the module demands.
    driver.change_edges(graph, &unsafe { edges_at(from, to, count) }?, false)
}

/// Gives a list as the graph functions do: the count alone where there is no room for it, else as much as fits, null
/// beyond its end.
///
/// # Safety
///
/// `count` is null or valid for reads and writes, `nodes` null or valid for so many writes.
unsafe fn give(list: &[CUgraphNode], nodes: *mut CUgraphNode, count: *mut usize) -> Answer {
    if count.is_null() {
        return Err(null());
    }
    // SAFETY: as this function demands.
    unsafe {
        if !nodes.is_null() {
            for i in 0..count.read_unaligned() {
                let node = list.get(i).copied().unwrap_or(CUgraphNode::NULL);
                nodes.add(i).write_unaligned(node);
            }
        }
        let given = if nodes.is_null() { list.len() } else { list.len().min(count.read_unaligned()) };
        count.write_unaligned(given);
    }
    Ok(())
}

pub(crate) unsafe fn cuGraphGetNodes(
    driver: &Driver,
    graph: CUgraph,
    nodes: *mut CUgraphNode,
    count: *mut usize,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { give(&driver.graph_nodes(graph, false)?, nodes, count) }
}

pub(crate) unsafe fn cuGraphGetRootNodes(
    driver: &Driver,
    graph: CUgraph,
    nodes: *mut CUgraphNode,
    count: *mut usize,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { give(&driver.graph_nodes(graph, true)?, nodes, count) }
}

pub(crate) unsafe fn cuGraphGetEdges(
    driver: &Driver,
    graph: CUgraph,
    from: *mut CUgraphNode,
    to: *mut CUgraphNode,
    count: *mut usize,
) -> Answer {
    if from.is_null() != to.is_null() || count.is_null() {
        return Err(null());
    }
    let (starts, ends): (Vec<_>, Vec<_>) = driver.graph_edges(graph)?.into_iter().unzip();
    // SAFETY: as the module demands; the first list leaves the count as the second needs it.
    unsafe {
        let mut room = count.read_unaligned();
        give(&starts, from, &mut room)?;
        give(&ends, to, count)
    }
}

pub(crate) unsafe fn cuGraphNodeGetDependencies(
    driver: &Driver,
    node: CUgraphNode,
    dependencies: *mut CUgraphNode,
    count: *mut usize,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { give(&driver.neighbours(node, false)?, dependencies, count) }
}

pub(crate) unsafe fn cuGraphNodeGetDependentNodes(
    driver: &Driver,
    node: CUgraphNode,
    dependents: *mut CUgraphNode,
    count: *mut usize,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe { give(&driver.neighbours(node, true)?, dependents, count) }
}

/// Refuses edges that carry more than an order.
///
/// # Safety
///
/// The list is null or valid for `count` reads.
unsafe fn check_edge_data(data: *const GraphEdgeData, count: usize) -> Answer {
    if data.is_null() {
        return Ok(());
    }
    // SAFETY: as this function demands.
    match unsafe { list_at(data, count) }?.iter().all(|edge| edge.bytes == [0; 8]) {
        true => Ok(()),
        false => Err(Failure::not_supported("edges of a graph with ports or of other types")),
    }
}

/// Gives the edges' data, of which there is none.
///
/// # Safety
///
/// The list is null or valid for as many writes as `count`, which is valid for a read, says.
unsafe fn give_edge_data(data: *mut GraphEdgeData, count: *const usize) {
    if !data.is_null() {
        // SAFETY: as this function demands.
        (0..unsafe { count.read_unaligned() })
            .for_each(|i| unsafe { data.add(i).write_unaligned(GraphEdgeData { bytes: [0; 8] }) });
    }
}

pub(crate) unsafe fn cuGraphAddDependencies_v2(
    driver: &Driver,
    graph: CUgraph,
    from: *const CUgraphNode,
    to: *const CUgraphNode,
    data: *const GraphEdgeData,
    count: usize,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe {
        check_edge_data(data, count)?;
        cuGraphAddDependencies(driver, graph, from, to, count)
    }
}

pub(crate) unsafe fn cuGraphRemoveDependencies_v2(
    driver: &Driver,
    graph: CUgraph,
    from: *const CUgraphNode,
    to: *const CUgraphNode,
    data: *const GraphEdgeData,
    count: usize,
) -> Answer {
    // SAFETY: as the module demands.
    unsafe {
        check_edge_data(data, count)?;
        cuGraphRemoveDependencies(driver, graph, from, to, count)
    }
}

pub(crate) unsafe fn cuGraphGetEdges_v2(
    driver: &Driver,
    graph: CUgraph,
    from: *mut CUgraphNode,
    to: *mut CUgraphNode,
    data: *mut GraphEdgeData,
    count: *mut usize,
) -> Answer {
    // SAFETY: as the module demands; the count is there where the first call succeeds.
    unsafe {
        cuGraphGetEdges(driver, graph, from, to, count)?;
        give_edge_data(data, count);
    }
    Ok(())
}

pub(crate) unsafe fn cuGraphNodeGetDependencies_v2(
    driver: &Driver,
    node: CUgraphNode,
    dependencies: *mut CUgraphNode,
    data: *mut GraphEdgeData,
    count: *mut usize,
) -> Answer {
    // SAFETY: as the module demands; the count is there where the first call succeeds.
    unsafe {
        cuGraphNodeGetDependencies(driver, node, dependencies, count)?;
        give_edge_data(data, count);
    }
    Ok(())
}

pub(crate) unsafe fn cuGraphNodeGetDependentNodes_v2(
    driver: &Driver,
    node: CUgraphNode,
    dependents: *mut CUgraphNode,
    data: *mut GraphEdgeData,
    count: *mut usize,
) -> Answer {
    // SAFETY: as the module demands; the count is there where the first call succeeds.
    unsafe {
        cuGraphNodeGetDependentNodes(driver, node, dependents, count)?;
        give_edge_data(data, count);
    }
    Ok(())
}
