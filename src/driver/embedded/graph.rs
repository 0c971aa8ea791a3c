//! Graphs: work as data, in an order that its dependencies fix, and graphs made ready to be launched.
//!
//! A node keeps what a call would have done at once; `edge` does it when the graph is launched, since pointers of the
//! caller are in it. A graph that is launched runs in a stream's turn, its nodes one after another: one of the orders
//! that the dependencies allow, and the same every time.

use std::sync::{Arc, Mutex};

use crate::abi::*;
use crate::embedded::Driver;
use crate::embedded::error::{Answer, Failure};
use crate::embedded::launch::Launch;
use crate::embedded::table::lock;

/// What a node does.
#[derive(Clone)]
pub(crate) enum Work {
    /// Launches a kernel.
    Launch(CUfunction, Arc<NodeLaunch>),
    /// Copies a box.
    Copy(Memcpy3d),
    /// Fills rows.
    Fill(MemsetNodeParams),
    /// Calls a function on the host.
    Host(HostNodeParams),
    /// Nothing: other nodes are ordered by it.
    Empty,
    /// Records an event.
    Record(CUevent),
}

impl Work {
    /// `CUgraphNodeType`.
    pub(crate) fn kind(&self) -> CUgraphNodeType {
        match self {
            Self::Launch(..) => 0,
            Self::Copy(_) => 1,
            Self::Fill(_) => 2,
            Self::Host(_) => 3,
            Self::Empty => 5,
            Self::Record(_) => 7,
        }
    }
}

/// A launch that a node keeps, with pointers to its parameters for who asks for them.
pub(crate) struct NodeLaunch {
    pub(crate) launch: Launch,
    /// The address of each parameter in `launch`, which never moves.
    pub(crate) pointers: Vec<usize>,
}

struct Node {
    handle: CUgraphNode,
    work: Work,
    dependencies: Vec<CUgraphNode>,
}

/// A graph: its nodes in the order they were added.
pub(crate) struct Graph(Mutex<Vec<Node>>);

/// A graph that can be launched: its nodes in an order that keeps to the dependencies.
pub(crate) struct Executable {
    pub(crate) flags: u64,
    steps: Mutex<Vec<(CUgraphNode, Work)>>,
}

/// `CUgraphInstantiate_flags`: free on launch, upload, device launch, node priorities. Of these a launch on the device
/// is none that could be offered.
const INSTANTIATE_FLAGS: u64 = 0x1 | 0x2 | 0x8;

fn no_node() -> Failure {
    Failure::invalid_handle("node")
}

impl Driver {
    /// An empty graph.
    pub(crate) fn create_graph(&self) -> CUgraph {
        let handle = CUgraph(self.numbers.next());
        self.graphs.insert(handle, Graph(Mutex::default()));
        handle
    }

    /// Destroys a graph and its nodes. What was made from it lives on.
    pub(crate) fn destroy_graph(&self, handle: CUgraph) -> Answer {
        self.graphs.remove(handle).ok_or_else(|| Failure::invalid_handle("graph"))?;
        self.nodes.take_if(|graph| *graph == handle);
        Ok(())
    }

    fn graph(&self, handle: CUgraph) -> Answer<Arc<Graph>> {
        self.graphs.get(handle).ok_or_else(|| Failure::invalid_handle("graph"))
    }

    fn graph_of(&self, node: CUgraphNode) -> Answer<Arc<Graph>> {
        self.graph(*self.nodes.get(node).ok_or_else(no_node)?)
    }

    /// Adds a node that comes after others of the graph.
    pub(crate) fn add_node(
        &self,
        graph: CUgraph,
        dependencies: &[CUgraphNode],
        work: Work,
    ) -> Answer<CUgraphNode> {
        let nodes = self.graph(graph)?;
        let mut nodes = lock(&nodes.0);
        if dependencies.iter().any(|dependency| nodes.iter().all(|node| node.handle != *dependency)) {
            return Err(Failure::invalid_value("a dependency is no node of this graph"));
        }
        let mut dependencies = dependencies.to_vec();
        dependencies.sort_unstable_by_key(|node| node.0);
        dependencies.dedup();
        let handle = CUgraphNode(self.numbers.next());
        self.nodes.insert(handle, graph);
        nodes.push(Node { handle, work, dependencies });
        Ok(handle)
    }

    /// Takes a node and its edges out of its graph.
    pub(crate) fn destroy_node(&self, handle: CUgraphNode) -> Answer {
        let nodes = self.graph_of(handle)?;
        let mut nodes = lock(&nodes.0);
        self.nodes.remove(handle).ok_or_else(no_node)?;
        nodes.retain(|node| node.handle != handle);
        nodes.iter_mut().for_each(|node| node.dependencies.retain(|dependency| *dependency != handle));
        Ok(())
    }

    /// Adds edges between nodes of a graph, or takes them away. An edge that is there twice, or is to be taken and is
    /// not there, changes nothing: all are refused.
    pub(crate) fn change_edges(
        &self,
        graph: CUgraph,
        edges: &[(CUgraphNode, CUgraphNode)],
        add: bool,
    ) -> Answer {
        let nodes = self.graph(graph)?;
        let mut nodes = lock(&nodes.0);
        let place = |nodes: &[Node], handle| nodes.iter().position(|node| node.handle == handle);
        for (from, to) in edges {
            let ends = place(&nodes, *from).zip(place(&nodes, *to));
            let (_, to) = ends
                .filter(|(from, to)| from != to)
                .ok_or_else(|| Failure::invalid_value("an edge needs two nodes of this graph"))?;
            if nodes[to].dependencies.contains(from) == add {
                let what = if add { "is there already" } else { "is not there" };
                return Err(Failure::invalid_value(format!("an edge of the graph {what}")));
            }
        }
        for (from, to) in edges {
            let Some(to) = place(&nodes, *to) else { continue };
            if add {
                nodes[to].dependencies.push(*from);
            } else {
                nodes[to].dependencies.retain(|dependency| dependency != from);
            }
        }
        Ok(())
    }

    /// The nodes of a graph; with `roots`, those that wait for none.
    pub(crate) fn graph_nodes(&self, graph: CUgraph, roots: bool) -> Answer<Vec<CUgraphNode>> {
        let nodes = self.graph(graph)?;
        let nodes = lock(&nodes.0);
        let listed = nodes.iter().filter(|node| !roots || node.dependencies.is_empty());
        Ok(listed.map(|node| node.handle).collect())
    }

    /// The edges of a graph, from a node to one that waits for it.
    pub(crate) fn graph_edges(&self, graph: CUgraph) -> Answer<Vec<(CUgraphNode, CUgraphNode)>> {
        let nodes = self.graph(graph)?;
        let nodes = lock(&nodes.0);
        Ok(nodes.iter().flat_map(|node| node.dependencies.iter().map(|from| (*from, node.handle))).collect())
    }

    /// The nodes that a node waits for, or those that wait for it.
    pub(crate) fn neighbours(&self, handle: CUgraphNode, dependents: bool) -> Answer<Vec<CUgraphNode>> {
        let edges = self.graph_edges(*self.nodes.get(handle).ok_or_else(no_node)?)?;
        let pick = |(from, to): (CUgraphNode, CUgraphNode)| match dependents {
            true => (from == handle).then_some(to),
            false => (to == handle).then_some(from),
        };
        Ok(edges.into_iter().filter_map(pick).collect())
    }

    /// What a node does.
    pub(crate) fn node_work(&self, handle: CUgraphNode) -> Answer<Work> {
        let nodes = self.graph_of(handle)?;
        let nodes = lock(&nodes.0);
        nodes.iter().find(|node| node.handle == handle).map(|node| node.work.clone()).ok_or_else(no_node)
    }

    /// Gives a node other work of the same kind.
    pub(crate) fn set_node_work(&self, handle: CUgraphNode, work: Work) -> Answer {
        let nodes = self.graph_of(handle)?;
        let mut nodes = lock(&nodes.0);
        let node = nodes.iter_mut().find(|node| node.handle == handle).ok_or_else(no_node)?;
        replace(&mut node.work, work)
    }

    /// Makes a graph ready to be launched.
    pub(crate) fn instantiate(&self, graph: CUgraph, flags: u64) -> Answer<CUgraphExec> {
        if flags & !INSTANTIATE_FLAGS != 0 {
            return Err(Failure::not_supported(&format!("graphs with instantiation flags {flags:#x}")));
        }
        let nodes = self.graph(graph)?;
        let nodes = lock(&nodes.0);
        let mut steps: Vec<(CUgraphNode, Work)> = Vec::with_capacity(nodes.len());
        let mut waiting: Vec<&Node> = nodes.iter().collect();
        while !waiting.is_empty() {
            let done = |handle: &CUgraphNode| steps.iter().any(|(step, _)| step == handle);
            let (ready, rest): (Vec<_>, Vec<_>) =
                waiting.into_iter().partition(|node| node.dependencies.iter().all(done));
            if ready.is_empty() {
                return Err(Failure::invalid_value("the nodes of the graph wait for each other in a circle"));
            }
            steps.extend(ready.into_iter().map(|node| (node.handle, node.work.clone())));
            waiting = rest;
        }
        let handle = CUgraphExec(self.numbers.next());
        self.executables.insert(handle, Executable { flags, steps: Mutex::new(steps) });
        Ok(handle)
    }

    /// A graph that can be launched.
    pub(crate) fn executable(&self, handle: CUgraphExec) -> Answer<Arc<Executable>> {
        self.executables.get(handle).ok_or_else(|| Failure::invalid_handle("executable graph"))
    }

    /// Destroys an executable graph.
    pub(crate) fn destroy_executable(&self, handle: CUgraphExec) -> Answer {
        self.executables.remove(handle).map(drop).ok_or_else(|| Failure::invalid_handle("executable graph"))
    }
}

impl Executable {
    /// What is to be done, in order.
    pub(crate) fn steps(&self) -> Vec<Work> {
        lock(&self.steps).iter().map(|(_, work)| work.clone()).collect()
    }

    /// Gives what was made of a node other work of the same kind.
    pub(crate) fn set_work(&self, node: CUgraphNode, work: Work) -> Answer {
        let mut steps = lock(&self.steps);
        let step = steps.iter_mut().find(|(handle, _)| *handle == node);
        let (_, old) = step.ok_or_else(|| Failure::invalid_value("the executable graph has no such node"))?;
        replace(old, work)
    }
}

fn replace(old: &mut Work, new: Work) -> Answer {
    if old.kind() != new.kind() {
        return Err(Failure::invalid_value("the node is of another kind"));
    }
    *old = new;
    Ok(())
}
