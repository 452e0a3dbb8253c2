use std::path::Path;

use faer::MatRef;

use crate::{IoError, file, idx, npy, npz};

/// Numbers with a shape: what a numpy or idx file holds.
///
/// The values are in C order, the last index running fastest. At least one value, and every value finite.
///
/// # Rows and columns
///
/// Files of numpy and of images hold one example a *row*: shape `N × n`, or `N × 28 × 28`. In this workspace one example is
/// one *column*, and matrices are column-major; so both have the same bytes, and [`examples`](Self::examples) views the
/// file as the `n × N` matrix that [`Mlp::on`](neuromanifold_mlp::Mlp::on) wants without moving a number.
///
/// ```
/// use neuromanifold_io::Array;
///
/// let two_examples_of_three = Array::new(vec![2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
/// let x = two_examples_of_three.examples();
/// assert_eq!((x.nrows(), x.ncols()), (3, 2));
/// assert_eq!(x[(0, 1)], 4.0);
/// # Ok::<(), neuromanifold_io::ArrayProblem>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    values: Vec<f64>,
}

/// The most dimensions an array may have; as in numpy.
pub(crate) const MAX_DIMENSIONS: usize = 64;

/// What is wrong with the shape or the values of an array.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ArrayProblem {
    /// The shape has a zero in it: there are no values.
    #[error("the array has shape {shape:?}, and so no values")]
    NoValues {
        /// The shape.
        shape: Vec<usize>,
    },
    /// More dimensions than numpy allows.
    #[error("the array has {dimensions} dimensions, more than 64")]
    Dimensions {
        /// The length of the shape.
        dimensions: usize,
    },
    /// The product of the shape is not a number of values that a computer can hold.
    #[error("the array has shape {shape:?}, more values than fit into memory")]
    Overflow {
        /// The shape.
        shape: Vec<usize>,
    },
    /// The shape asks for another number of values than there are.
    #[error("the array has shape {shape:?}, which needs {expected} values, but there are {found}")]
    Count {
        /// The shape.
        shape: Vec<usize>,
        /// The product of the shape.
        expected: usize,
        /// The number of values.
        found: usize,
    },
    /// A value is NaN or infinite.
    #[error("the value at index {index:?} is {value}, not a finite number")]
    NotFinite {
        /// One index for each dimension, from 0.
        index: Vec<usize>,
        /// The value.
        value: f64,
    },
}

impl Array {
    /// Checks the shape and the values.
    ///
    /// # Errors
    /// [`ArrayProblem`] if the shape does not fit the number of values, there are none, or one of them is not finite.
    pub fn new(shape: Vec<usize>, values: Vec<f64>) -> Result<Self, ArrayProblem> {
        let expected = count(&shape)?;
        if expected != values.len() {
            return Err(ArrayProblem::Count {
                shape,
                expected,
                found: values.len(),
            });
        }
        if let Some(position) = values.iter().position(|value| !value.is_finite()) {
            return Err(ArrayProblem::NotFinite {
                index: index_of(position, &shape),
                value: values[position],
            });
        }
        Ok(Self { shape, values })
    }

    /// A matrix, one row of the array for each of its columns: the inverse of [`examples`](Self::examples).
    ///
    /// # Errors
    /// [`ArrayProblem`] if the matrix has no entries or one of them is not finite.
    ///
    /// ```
    /// use faer::mat;
    /// use neuromanifold_io::Array;
    ///
    /// let one_column_an_example = mat![[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]];
    /// let array = Array::from_examples(one_column_an_example.as_ref())?;
    /// assert_eq!(array.shape(), [2, 3]);
    /// assert_eq!(array.examples(), one_column_an_example);
    /// # Ok::<(), neuromanifold_io::ArrayProblem>(())
    /// ```
    pub fn from_examples(matrix: MatRef<'_, f64>) -> Result<Self, ArrayProblem> {
        let values = matrix
            .col_iter()
            .flat_map(|column| column.iter().copied())
            .collect();
        Self::new(vec![matrix.ncols(), matrix.nrows()], values)
    }

    /// A matrix as numpy shows it: the first index of the array is the row. For a metric `G`, which is symmetric, the same as
    /// [`from_examples`](Self::from_examples).
    ///
    /// # Errors
    /// [`ArrayProblem`] if the matrix has no entries or one of them is not finite.
    pub fn from_matrix(matrix: MatRef<'_, f64>) -> Result<Self, ArrayProblem> {
        Self::from_examples(matrix.transpose())
    }

    /// The length along each dimension. Empty for a single number.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values in C order.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The values in C order, without a copy.
    #[must_use]
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }

    /// `N`: the length of the first dimension, 1 for a single number.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// Never: an array has at least one value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// `n`: how many numbers each example has; the product of all dimensions but the first.
    #[must_use]
    pub fn features(&self) -> usize {
        self.values.len() / self.len()
    }

    /// The array as `n × N`, one example a column; see [the type](Self#rows-and-columns). Images are flattened row by row.
    #[must_use]
    pub fn examples(&self) -> MatRef<'_, f64> {
        MatRef::from_column_major_slice(&self.values, self.features(), self.len())
    }

    /// The array as numpy shows it, `shape[0]` rows; dimensions after the second are flattened.
    #[must_use]
    pub fn matrix(&self) -> MatRef<'_, f64> {
        self.examples().transpose()
    }

    /// Multiplies every value, as by 1/255 for the pixels of an image.
    ///
    /// ```
    /// use neuromanifold_io::Array;
    ///
    /// let pixels = Array::new(vec![1, 2], vec![0.0, 255.0])?.scaled(1.0 / 255.0);
    /// assert_eq!(pixels.values(), [0.0, 1.0]);
    /// # Ok::<(), neuromanifold_io::ArrayProblem>(())
    /// ```
    ///
    /// # Panics
    /// If a product is not finite.
    #[track_caller]
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        for value in &mut self.values {
            let product = *value * factor;
            assert!(product.is_finite(), "{value} times {factor} is {product}");
            *value = product;
        }
        self
    }
}

/// The number of values of a shape; an error for none and for too many.
pub(crate) fn count(shape: &[usize]) -> Result<usize, ArrayProblem> {
    if shape.len() > MAX_DIMENSIONS {
        return Err(ArrayProblem::Dimensions {
            dimensions: shape.len(),
        });
    }
    if shape.contains(&0) {
        return Err(ArrayProblem::NoValues {
            shape: shape.to_vec(),
        });
    }
    shape
        .iter()
        .try_fold(1_usize, |product, length| product.checked_mul(*length))
        .filter(|count| *count <= isize::MAX as usize / size_of::<f64>())
        .ok_or_else(|| ArrayProblem::Overflow {
            shape: shape.to_vec(),
        })
}

/// The index of a position in C order.
pub(crate) fn index_of(mut position: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (place, length) in index.iter_mut().zip(shape).rev() {
        *place = position % length;
        position /= length;
    }
    index
}

/// Reads an array from a file whose name tells the format.
///
/// | name | format |
/// |---|---|
/// | `….npy`, `….npy.gz` | [`npy`] |
/// | `….npz` | [`npz`]; the array called `array`, or the only one there is |
/// | `….idx`, `…-ubyte`, either with `.gz` | [`idx`](crate::idx), as of MNIST and Fashion-MNIST: `train-images-idx3-ubyte.gz` |
///
/// Whether a file is compressed is seen from its content.
///
/// ```
/// use neuromanifold_io::{Array, Precision, npy, read_array};
///
/// # let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("x.npy");
/// npy::write(&path, &Array::new(vec![2], vec![0.5, -1.0])?, Precision::F64)?;
/// assert_eq!(read_array(&path, None)?.values(), [0.5, -1.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`IoError`]; [`IoError::UnknownFormat`] for another name, and [`IoError::NoNamedArrays`] if `array` is given but the
/// format has no names.
pub fn read_array(path: impl AsRef<Path>, array: Option<&str>) -> Result<Array, IoError> {
    let path = path.as_ref();
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    if name.ends_with(".npz") {
        return npz::read(path, array);
    }
    let parse = if plain.ends_with(".npy") {
        npy::from_bytes::<&Path>
    } else if plain.ends_with(".idx") || plain.ends_with("-ubyte") {
        idx::from_bytes::<&Path>
    } else {
        return Err(IoError::UnknownFormat {
            path: path.to_owned(),
        });
    };
    if let Some(array) = array {
        return Err(IoError::NoNamedArrays {
            path: path.to_owned(),
            array: array.to_owned(),
        });
    }
    parse(&file::read(path)?, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_checked() {
        assert!(matches!(
            Array::new(vec![2, 0], vec![]),
            Err(ArrayProblem::NoValues { .. })
        ));
        assert!(matches!(
            Array::new(vec![usize::MAX, 2], vec![1.0]),
            Err(ArrayProblem::Overflow { .. })
        ));
        assert!(matches!(
            Array::new(vec![2, 2], vec![1.0; 3]),
            Err(ArrayProblem::Count {
                expected: 4,
                found: 3,
                ..
            })
        ));
        let error = Array::new(vec![2, 2], vec![0.0, 1.0, f64::INFINITY, 3.0]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the value at index [1, 0] is inf, not a finite number"
        );
    }

    #[test]
    fn a_single_number_has_one_example() {
        let number = Array::new(vec![], vec![3.0]).unwrap();
        assert_eq!((number.len(), number.features()), (1, 1));
    }

    #[test]
    fn images_are_flattened_row_by_row() {
        let images = Array::new(vec![2, 2, 2], (0..8).map(f64::from).collect()).unwrap();
        assert_eq!(
            images.examples().col(1).iter().copied().collect::<Vec<_>>(),
            [4.0, 5.0, 6.0, 7.0]
        );
        assert_eq!(images.matrix().row(1), images.examples().col(1).transpose());
    }

    #[test]
    fn names_tell_the_format() {
        assert!(matches!(
            read_array("x.txt", None),
            Err(IoError::UnknownFormat { .. })
        ));
        assert!(matches!(
            read_array("x.NPY", Some("a")),
            Err(IoError::NoNamedArrays { .. })
        ));
        assert!(matches!(
            read_array("a/t10k-labels-idx1-ubyte.gz", None),
            Err(IoError::Open { .. })
        ));
    }
}
