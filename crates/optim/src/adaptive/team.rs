use super::slab::{Order, Slab};
use super::tile::Entry;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};

/// Threads that take slabs from a common pile.
///
/// The slabs change hands, and so does what is to be done with them. So nobody waits for a thread that has not woken up yet:
/// whoever is awake does the work, and one that comes too late finds nothing left. (In a scope the caller would have to wait
/// for it, and that takes as long as a whole pass over a matrix of a thousand rows.)
#[derive(Debug)]
pub(super) struct Team<T> {
    pile: Mutex<Pile<T>>,
    order: RwLock<Order>,
    /// Slabs that are not done.
    left: AtomicUsize,
    all_done: Condvar,
    /// Helpers that were called and have not gone again.
    helpers: AtomicUsize,
}

/// From one end of which the caller takes slabs, and helpers from the other.
#[derive(Debug)]
struct Pile<T> {
    todo: VecDeque<Slab<T>>,
    done: Vec<Slab<T>>,
    /// Slabs that the caller took in the pass that is on, or the last one.
    own: usize,
}

/// On which end of the pile somebody works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Caller,
    Helper,
}

/// So many looks at what the others are still doing before going to sleep: some tens of microseconds, as long as a slab takes.
const LOOKS: usize = 2000;

impl<T: Entry> Team<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            pile: Mutex::new(Pile {
                todo: VecDeque::new(),
                done: Vec::new(),
                own: 0,
            }),
            order: RwLock::new(Order::default()),
            left: AtomicUsize::new(0),
            all_done: Condvar::new(),
            helpers: AtomicUsize::new(0),
        })
    }

    /// Carries out an order on all slabs, by up to `workers` threads of which the calling one is the first. They come back in
    /// the order of their panels.
    ///
    /// Forward, the caller begins with the first panels and helpers with the last; backward, they begin where they have met,
    /// so that each finds in the caches of its core what it read last.
    pub(super) fn work(
        self: &Arc<Self>,
        workers: usize,
        backward: bool,
        slabs: &mut Vec<Slab<T>>,
        order: &mut Order,
    ) {
        std::mem::swap(
            &mut *self.order.write().unwrap_or_else(PoisonError::into_inner),
            order,
        );
        let count = slabs.len();
        self.left.store(count, Ordering::Release);
        self.pile().lay_out(slabs, backward);
        let called = self.helpers.load(Ordering::Acquire);
        for _ in called + 1..workers {
            self.helpers.fetch_add(1, Ordering::AcqRel);
            let team = Arc::clone(self);
            rayon::spawn(move || {
                team.take(Role::Helper);
                team.helpers.fetch_sub(1, Ordering::AcqRel);
            });
        }
        self.take(Role::Caller);
        self.wait();
        let mut pile = self.pile();
        slabs.append(&mut pile.done);
        drop(pile);
        slabs.sort_unstable_by_key(Slab::first);
        std::mem::swap(
            &mut *self.order.write().unwrap_or_else(PoisonError::into_inner),
            order,
        );
    }

    /// Takes slabs until there are none.
    fn take(&self, role: Role) {
        loop {
            let next = self.pile().next(role);
            let Some(mut slab) = next else {
                return;
            };
            {
                let order = self.order.read().unwrap_or_else(PoisonError::into_inner);
                slab.sweep(&order);
            }
            let mut pile = self.pile();
            pile.done.push(slab);
            if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
                self.all_done.notify_all();
            }
        }
    }

    /// Until all slabs are done.
    fn wait(&self) {
        for _ in 0..LOOKS {
            if self.left.load(Ordering::Acquire) == 0 {
                return;
            }
            std::hint::spin_loop();
        }
        let mut pile = self.pile();
        while self.left.load(Ordering::Acquire) > 0 {
            pile = (self.all_done.wait(pile)).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn pile(&self) -> MutexGuard<'_, Pile<T>> {
        self.pile.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Entry> Pile<T> {
    fn lay_out(&mut self, slabs: &mut Vec<Slab<T>>, backward: bool) {
        let meeting = if backward {
            self.own.min(slabs.len())
        } else {
            0
        };
        self.own = 0;
        self.todo.clear();
        self.todo.extend(slabs.drain(..));
        if backward {
            // meeting − 1, …, 0, last, …, meeting
            self.todo.rotate_left(meeting);
            self.todo.make_contiguous().reverse();
        }
    }

    fn next(&mut self, role: Role) -> Option<Slab<T>> {
        match role {
            Role::Caller => {
                let slab = self.todo.pop_front();
                self.own += usize::from(slab.is_some());
                slab
            }
            Role::Helper => self.todo.pop_back(),
        }
    }
}
