/// Connected components of a graph that grows edge by edge: disjoint sets with path halving, each led by its first member.
#[derive(Clone, Debug)]
pub(crate) struct Components {
    parent: Vec<usize>,
}

impl Components {
    /// Vertices without edges.
    pub(crate) fn new(vertices: usize) -> Self {
        Self {
            parent: (0..vertices).collect(),
        }
    }

    /// Adds an edge.
    pub(crate) fn join(&mut self, one: usize, other: usize) {
        let (a, b) = (self.first(one), self.first(other));
        self.parent[a.max(b)] = a.min(b);
    }

    fn first(&mut self, mut vertex: usize) -> usize {
        while self.parent[vertex] != vertex {
            self.parent[vertex] = self.parent[self.parent[vertex]];
            vertex = self.parent[vertex];
        }
        vertex
    }

    /// The members of each component in order, components in the order of their first members.
    pub(crate) fn members(mut self) -> Vec<Vec<usize>> {
        let mut members: Vec<Vec<usize>> = vec![Vec::new(); self.parent.len()];
        for vertex in 0..self.parent.len() {
            let first = self.first(vertex);
            members[first].push(vertex);
        }
        members.retain(|component| !component.is_empty());
        members
    }
}
