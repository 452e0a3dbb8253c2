//! Readers of arrays: npy, npz, idx.

use neuromanifold_io::npz::Npz;
use neuromanifold_io::{Array, Precision, idx, npy};

/// Reads an npy file; whether it was one.
pub fn npy(bytes: &[u8]) -> bool {
    npy::from_bytes(bytes, "fuzz.npy").is_ok_and(|array| consistent(&array))
}

/// Reads all arrays of an npz file; whether there was one.
pub fn npz(bytes: &[u8]) -> bool {
    let Ok(mut file) = Npz::from_bytes(bytes.to_vec(), "fuzz.npz") else {
        return false;
    };
    let mut read = 0;
    for name in file.names().to_vec() {
        read += usize::from(file.array(&name).is_ok_and(|array| consistent(&array)));
    }
    read > 0
}

/// Reads an idx file; whether it was one.
pub fn idx(bytes: &[u8]) -> bool {
    idx::from_bytes(bytes, "fuzz-ubyte").is_ok_and(|array| consistent(&array))
}

/// Shape and values agree, and survive being written.
fn consistent(array: &Array) -> bool {
    assert_eq!(
        array.shape().iter().product::<usize>(),
        array.values().len()
    );
    assert!(array.values().iter().all(|value| value.is_finite()));
    let columns = array.examples();
    assert_eq!(
        (columns.nrows(), columns.ncols()),
        (array.features(), array.len())
    );
    let again = npy::from_bytes(&npy::to_bytes(array, Precision::F64), "again.npy")
        .expect("what was written is read");
    assert_eq!(again.shape(), array.shape());
    assert!(
        again
            .values()
            .iter()
            .zip(array.values())
            .all(|(a, b)| a.to_bits() == b.to_bits())
    );
    true
}
