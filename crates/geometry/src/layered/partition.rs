use crate::MetricError;
use neuromanifold_model::{AffineLayer, Layerwise};

/// The affine layers of a map in the order in which their parameters lie in θ.
#[derive(Clone, Debug)]
pub(crate) struct Partition {
    layers: Vec<Member>,
}

/// One layer, and how the map numbers it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) index: usize,
    pub(crate) layer: AffineLayer,
}

impl Partition {
    /// Checks that each of `P` parameters belongs to exactly one layer.
    pub(crate) fn new(map: &dyn Layerwise, parameters: usize) -> Result<Self, MetricError> {
        let members = (0..map.depth()).map(|index| Member {
            index,
            layer: map.layer(index),
        });
        let mut layers: Vec<Member> = members.collect();
        layers.sort_by_key(|member| member.layer.start);
        let mut end = 0;
        for member in &layers {
            let own = member.layer.parameters();
            if own.start != end {
                let parameter = end.min(own.start);
                return Err(MetricError::Layers {
                    parameter,
                    parameters,
                });
            }
            end = own.end;
        }
        if end == parameters {
            Ok(Self { layers })
        } else {
            Err(MetricError::Layers {
                parameter: end.min(parameters),
                parameters,
            })
        }
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.layers
    }
}
