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
            let AffineLayer { start, outputs, .. } = member.layer;
            // a layer without parameters, or with more than can be counted, has none of θ
            let own = fan_in(member.layer)
                .and_then(|fan_in| outputs.checked_mul(fan_in))
                .filter(|count| *count > 0)
                .and_then(|count| start.checked_add(count));
            match own {
                Some(next) if start == end => end = next,
                _ => {
                    return Err(MetricError::Layers {
                        parameter: end.min(start),
                        parameters,
                    });
                }
            }
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

fn fan_in(layer: AffineLayer) -> Option<usize> {
    layer.inputs.checked_add(usize::from(layer.has_bias))
}
