//! A vector whose elements lie in a block of the slabs: what big values are made of.
//!
//! It is smaller than the standard one, takes all of what the slabs give, says how much that is, and can be
//! [moved](SlabVec::relocate) when the slab where it lies is to be emptied. Growing by one element doubles it; whoever wants other
//! steps reserves them.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, Range};
use std::ptr::{self, NonNull};

use super::{Mover, alloc, class_size, free, resize};

/// A vector in a block of the slabs; it owns its elements.
pub struct SlabVec<T> {
    /// Dangling if there is no room for any element.
    block: NonNull<T>,
    len: u32,
    capacity: u32,
    _elements: PhantomData<T>,
}

// SAFETY: the vector is the sole owner of its elements, and blocks may be freed by any thread.
unsafe impl<T: Send> Send for SlabVec<T> {}
// SAFETY: through a shared vector one only gets shared borrows of its elements.
unsafe impl<T: Sync> Sync for SlabVec<T> {}

impl<T> SlabVec<T> {
    const SIZE: usize = {
        assert!(
            size_of::<T>() > 0 && align_of::<T>() <= 8,
            "blocks are aligned to 8"
        );
        size_of::<T>()
    };

    /// An empty vector. It allocates nothing.
    pub const fn new() -> Self {
        Self {
            block: NonNull::dangling(),
            len: 0,
            capacity: 0,
            _elements: PhantomData,
        }
    }

    /// An empty vector with room for so many elements at least.
    pub fn with_capacity(elements: usize) -> Self {
        let mut vector = Self::new();
        vector.reserve_exact(elements);
        vector
    }

    /// How many elements there is room for.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.capacity as usize
    }

    /// Bytes on the heap, as the slabs give them.
    #[inline]
    pub fn heap(&self) -> usize {
        match self.capacity() {
            0 => 0,
            elements => class_size(elements * Self::SIZE),
        }
    }

    /// All elements of the smallest block that has room for so many, as far as the block's size follows from their number.
    fn room(elements: usize) -> usize {
        let given = class_size(elements * Self::SIZE);
        let all = given / Self::SIZE;
        if class_size(all * Self::SIZE) == given {
            all
        } else {
            elements
        }
    }

    /// Makes room for so many elements in all, at least as many as there are.
    fn set_capacity(&mut self, elements: usize) {
        let room = if elements == 0 {
            0
        } else {
            Self::room(elements)
        };
        let (old, new) = (self.capacity() * Self::SIZE, room * Self::SIZE);
        if old == new {
            return;
        }
        let block = self.block.cast();
        // SAFETY: the block was allocated with room for `capacity` elements, if it is one, and is owned.
        self.block = unsafe {
            match (old, new) {
                (0, _) => alloc(new).cast(),
                (_, 0) => {
                    free(block, old);
                    NonNull::dangling()
                }
                _ => resize(block, old, new).cast(),
            }
        };
        self.capacity = u32::try_from(room).expect("a part of a value is far smaller than 4 GB");
    }

    /// Makes room for so many more elements, and no more than that takes.
    pub fn reserve_exact(&mut self, more: usize) {
        let wanted = self.len() + more;
        if wanted > self.capacity() {
            self.set_capacity(wanted);
        }
    }

    /// Makes room for so many more elements, and for as many again as there is room for: adding takes constant time on average.
    pub fn reserve(&mut self, more: usize) {
        let wanted = self.len() + more;
        if wanted > self.capacity() {
            self.set_capacity(wanted.max(2 * self.capacity()));
        }
    }

    /// Gives up room beyond so many elements.
    pub fn shrink_to(&mut self, elements: usize) {
        let wanted = elements.max(self.len());
        if wanted < self.capacity() {
            self.set_capacity(wanted);
        }
    }

    /// Gives up room that is not used.
    pub fn shrink_to_fit(&mut self) {
        self.shrink_to(0);
    }

    /// Adds an element at the end.
    #[inline]
    pub fn push(&mut self, element: T) {
        if self.len == self.capacity {
            self.reserve(1);
        }
        // SAFETY: there is room behind the last element.
        unsafe { self.block.add(self.len()).write(element) };
        self.len += 1;
    }

    /// Takes the last element out.
    pub fn pop(&mut self) -> Option<T> {
        self.len = self.len.checked_sub(1)?;
        // SAFETY: there was an element at this place, and it is the vector's no more.
        Some(unsafe { self.block.add(self.len()).read() })
    }

    /// Drops all elements and keeps the room.
    pub fn clear(&mut self) {
        let elements: *mut [T] = &raw mut **self;
        self.len = 0;
        // SAFETY: the elements were the vector's, which has forgotten them.
        unsafe { ptr::drop_in_place(elements) };
    }

    /// Adds an element before the one at `at`.
    ///
    /// # Panics
    /// If `at` is behind the end.
    #[inline]
    pub fn insert(&mut self, at: usize, element: T) {
        let len = self.len();
        assert!(at <= len, "an element goes between others or to the end");
        if self.len == self.capacity {
            self.reserve(1);
        }
        // SAFETY: there is room for one more; the elements behind the place move up by one.
        unsafe {
            let place = self.block.as_ptr().add(at);
            ptr::copy(place, place.add(1), len - at);
            place.write(element);
        }
        self.len += 1;
    }

    /// Takes the element at `at` out; those behind it move up.
    ///
    /// # Panics
    /// If there is none.
    #[inline]
    pub fn remove(&mut self, at: usize) -> T {
        let len = self.len();
        assert!(at < len, "the element is there");
        self.len -= 1;
        // SAFETY: the element is read once, and those behind it move over its place.
        unsafe {
            let place = self.block.as_ptr().add(at);
            let element = place.read();
            ptr::copy(place.add(1), place, len - at - 1);
            element
        }
    }

    /// Moves the elements of a range to the end of another vector.
    ///
    /// # Panics
    /// If there are none there.
    pub fn move_to(&mut self, range: Range<usize>, other: &mut Self) {
        let (len, moved) = (self.len(), range.len());
        assert!(
            range.start <= range.end && range.end <= len,
            "the elements are there"
        );
        other.reserve_exact(moved);
        // SAFETY: there is room for them at the other's end; each is the other's from now on, and those behind them move up.
        unsafe {
            let place = self.block.as_ptr().add(range.start);
            let end = other.block.as_ptr().add(other.len());
            ptr::copy_nonoverlapping(place, end, moved);
            ptr::copy(place.add(moved), place, len - range.end);
        }
        self.len -= moved as u32;
        other.len += moved as u32;
    }

    /// Moves the elements to another block if they lie in a slab that is to be emptied.
    pub fn relocate(&mut self, mover: &mut Mover) {
        if self.capacity == 0 {
            return;
        }
        let (block, size) = (self.block.cast(), self.capacity() * Self::SIZE);
        // SAFETY: the block has that size and is the vector's alone; its elements may lie anywhere.
        if let Some(to) = unsafe { mover.copy(block, size) } {
            self.block = to.cast();
            // SAFETY: nobody has the old address any more.
            unsafe { mover.release(block, size) };
        }
    }
}

impl<T: Copy> SlabVec<T> {
    /// Adds copies of elements at the end.
    #[inline]
    pub fn extend_from_slice(&mut self, elements: &[T]) {
        self.reserve(elements.len());
        // SAFETY: there is room for them behind the last element.
        unsafe {
            let end = self.block.as_ptr().add(self.len());
            ptr::copy_nonoverlapping(elements.as_ptr(), end, elements.len());
        }
        self.len += elements.len() as u32;
    }
}

impl SlabVec<u8> {
    /// Zeros: at least `len` of them, and as many as there is room for.
    pub fn zeroed(len: usize) -> Self {
        let mut bytes = Self::with_capacity(len);
        // SAFETY: there is room for that many.
        unsafe { bytes.block.write_bytes(0, bytes.capacity()) };
        bytes.len = bytes.capacity;
        bytes
    }
}

impl<T> Default for SlabVec<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Deref for SlabVec<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: the block has `len` elements, borrowed with the vector.
        unsafe { std::slice::from_raw_parts(self.block.as_ptr(), self.len as usize) }
    }
}

impl<T> DerefMut for SlabVec<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and the vector is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.block.as_ptr(), self.len as usize) }
    }
}

impl<T> FromIterator<T> for SlabVec<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let elements = elements.into_iter();
        let mut vector = Self::with_capacity(elements.size_hint().0);
        elements.for_each(|element| vector.push(element));
        vector
    }
}

/// The copy has as much room.
impl<T: Copy> Clone for SlabVec<T> {
    fn clone(&self) -> Self {
        let mut copy = Self::with_capacity(self.capacity());
        copy.extend_from_slice(self);
        copy
    }
}

impl<T: fmt::Debug> fmt::Debug for SlabVec<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(formatter)
    }
}

impl<T> Drop for SlabVec<T> {
    fn drop(&mut self) {
        self.clear();
        self.set_capacity(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_small_and_uses_all_of_its_block() {
        assert_eq!(size_of::<SlabVec<u64>>(), 16);
        assert_eq!(size_of::<Option<SlabVec<u64>>>(), 16);
        let bytes = SlabVec::<u8>::with_capacity(1_001);
        assert_eq!((bytes.capacity(), bytes.heap()), (1_024, 1_024));
        assert_eq!(SlabVec::<u8>::zeroed(300)[..], [0; 304]);
        // Three words: what is left of a block of 272 bytes is no element.
        let triples = SlabVec::<[u64; 3]>::with_capacity(11);
        assert_eq!((triples.capacity(), triples.heap()), (11, 272));
        // Beyond the slabs too.
        let mut large = SlabVec::<u8>::zeroed(20_000);
        large.push(1);
        assert!(large.heap() >= 40_000 && large[19_999..20_001] == [0, 0]);
        large.shrink_to_fit();
        assert_eq!(large.last(), Some(&1));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Push(u8),
        Pop,
        Insert(usize, u8),
        Remove(usize),
        Move(usize, usize),
        Reserve(usize),
        Shrink(usize),
        Relocate,
    }

    fn step() -> impl Strategy<Value = Step> {
        let at = || 0..100usize;
        prop_oneof![
            4 => any::<u8>().prop_map(Step::Push),
            1 => Just(Step::Pop),
            4 => (at(), any::<u8>()).prop_map(|(at, element)| Step::Insert(at, element)),
            2 => at().prop_map(Step::Remove),
            1 => (at(), at()).prop_map(|(from, to)| Step::Move(from, to)),
            1 => at().prop_map(Step::Reserve),
            1 => at().prop_map(Step::Shrink),
            1 => Just(Step::Relocate),
        ]
    }

    proptest! {
        /// Elements that own something, so that each must be dropped once.
        #[test]
        fn it_is_a_vector(steps in proptest::collection::vec(step(), 0..200)) {
            let (mut vector, mut model) = (SlabVec::new(), Vec::new());
            for step in steps {
                let within = |at: usize| at % (model.len() + 1);
                match step {
                    Step::Push(element) => {
                        vector.push(Box::new(element));
                        model.push(Box::new(element));
                    }
                    Step::Pop => prop_assert_eq!(vector.pop(), model.pop()),
                    Step::Insert(at, element) => {
                        let at = within(at);
                        vector.insert(at, Box::new(element));
                        model.insert(at, Box::new(element));
                    }
                    Step::Remove(at) if !model.is_empty() => {
                        let at = at % model.len();
                        prop_assert_eq!(vector.remove(at), model.remove(at));
                    }
                    Step::Remove(_) => {}
                    Step::Move(from, to) => {
                        let range = within(from).min(within(to))..within(from).max(within(to));
                        let mut moved = SlabVec::new();
                        vector.move_to(range.clone(), &mut moved);
                        prop_assert!(moved.iter().eq(model.drain(range).as_slice()));
                    }
                    Step::Reserve(more) => {
                        vector.reserve_exact(more);
                        prop_assert!(vector.capacity() >= model.len() + more);
                    }
                    Step::Shrink(to) => vector.shrink_to(to),
                    Step::Relocate => vector.relocate(&mut Mover::of_everything(1_000)),
                }
                prop_assert_eq!(&*vector, &*model);
            }
        }
    }
}
