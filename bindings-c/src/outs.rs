//! Out-parameters: written on every path, through pointers that may be misaligned.

use std::ptr;

use crate::report::Report;

/// The out-parameters of one function.
pub(crate) trait Outs {
    /// Writes "nothing" to each; an error where one cannot be written.
    fn blank(&mut self) -> Result<(), Box<Report>>;
}

/// A function without out-parameters.
impl Outs for () {
    fn blank(&mut self) -> Result<(), Box<Report>> {
        Ok(())
    }
}

/// What stands for "nothing" in a simple out-parameter.
pub(crate) trait Blank: Copy {
    /// The value.
    const BLANK: Self;
}

impl<H> Blank for *mut H {
    const BLANK: Self = ptr::null_mut();
}

impl<H> Blank for *const H {
    const BLANK: Self = ptr::null();
}

impl Blank for bool {
    const BLANK: Self = false;
}

impl Blank for u64 {
    const BLANK: Self = 0;
}

/// A simple out-parameter.
pub(crate) struct Out<T> {
    argument: &'static str,
    place: *mut T,
    required: bool,
}

impl<T: Blank> Out<T> {
    /// One that must not be NULL.
    ///
    /// # Safety
    /// `place` is NULL or valid for writing a `T`, aligned or not, until the call ends.
    pub(crate) unsafe fn new(argument: &'static str, place: *mut T) -> Self {
        Out {
            argument,
            place,
            required: true,
        }
    }

    /// One that may be NULL where the caller does not want to know.
    ///
    /// # Safety
    /// As [`Out::new`].
    pub(crate) unsafe fn optional(argument: &'static str, place: *mut T) -> Self {
        Out {
            argument,
            place,
            required: false,
        }
    }

    /// Writes the result.
    pub(crate) fn set(&self, value: T) {
        if !self.place.is_null() {
            // SAFETY: not NULL, and the constructor's caller promised the rest.
            unsafe { self.place.write_unaligned(value) };
        }
    }
}

impl<T: Blank> Outs for Out<T> {
    fn blank(&mut self) -> Result<(), Box<Report>> {
        if self.required && self.place.is_null() {
            return Err(Report::misuse(self.argument, "must not be NULL"));
        }
        self.set(T::BLANK);
        Ok(())
    }
}

/// A struct that C passes with its size in the first field, so that it can grow.
///
/// # Safety
/// The type is `repr(C)`, begins with a `usize`, and all-zero bytes are a value of it.
pub(crate) unsafe trait Versioned: Copy {
    /// The size of its first version.
    const SIZE_MIN: usize;
}

/// An out-parameter that is such a struct.
pub(crate) struct OutStruct<T> {
    argument: &'static str,
    place: *mut T,
    size: usize,
}

impl<T: Versioned> OutStruct<T> {
    /// # Safety
    /// `place` is NULL, or its first field holds the number of bytes that may be written there.
    pub(crate) unsafe fn new(argument: &'static str, place: *mut T) -> Self {
        OutStruct {
            argument,
            place,
            size: 0,
        }
    }

    /// Writes the result, as much of it as the caller knows.
    pub(crate) fn set(&self, value: T) {
        // SAFETY: `blank` found the place not NULL and its size within bounds; the constructor's
        // caller promised that so many bytes can be written. The size field is left as it is.
        unsafe {
            let from = ptr::from_ref(&value).cast::<u8>().add(size_of::<usize>());
            let to = self.place.cast::<u8>().add(size_of::<usize>());
            ptr::copy_nonoverlapping(from, to, self.size - size_of::<usize>());
        }
    }
}

impl<T: Versioned> Outs for OutStruct<T> {
    fn blank(&mut self) -> Result<(), Box<Report>> {
        // SAFETY: the constructor's caller promised it.
        self.size = unsafe { size_given(self.argument, self.place) }?;
        // SAFETY: as in `set`.
        unsafe {
            let to = self.place.cast::<u8>().add(size_of::<usize>());
            ptr::write_bytes(to, 0, self.size - size_of::<usize>());
        }
        Ok(())
    }
}

/// The size that a struct of the caller says it has, if it is one this version knows.
///
/// # Safety
/// `place` is NULL or begins with a readable `usize`.
pub(crate) unsafe fn size_given<T: Versioned>(
    argument: &'static str,
    place: *const T,
) -> Result<usize, Box<Report>> {
    if place.is_null() {
        return Err(Report::misuse(argument, "must not be NULL"));
    }
    // SAFETY: not NULL, and the rest is the caller's promise.
    let size = unsafe { place.cast::<usize>().read_unaligned() };
    if size > size_of::<T>() {
        let message = "size: made for a newer library than this one";
        return Err(Report::misuse(argument, message));
    }
    if size < T::SIZE_MIN || !size.is_multiple_of(align_of::<usize>()) {
        let message = "size: start from the struct's _INIT macro";
        return Err(Report::misuse(argument, message));
    }
    Ok(size)
}
