use super::slab::{Order, Slab};
use super::tile::Entry;
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

#[derive(Debug)]
struct Pile<T> {
    todo: Vec<Slab<T>>,
    done: Vec<Slab<T>>,
}

/// So many looks at what the others are still doing before going to sleep: some tens of microseconds, as long as a slab takes.
const LOOKS: usize = 2000;

impl<T: Entry> Team<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            pile: Mutex::new(Pile {
                todo: Vec::new(),
                done: Vec::new(),
            }),
            order: RwLock::new(Order::default()),
            left: AtomicUsize::new(0),
            all_done: Condvar::new(),
            helpers: AtomicUsize::new(0),
        })
    }

    /// Carries out an order on all slabs, by up to `workers` threads of which the calling one is the first. They come back in
    /// the order of their panels.
    pub(super) fn work(
        self: &Arc<Self>,
        workers: usize,
        slabs: &mut Vec<Slab<T>>,
        order: &mut Order,
    ) {
        std::mem::swap(
            &mut *self.order.write().unwrap_or_else(PoisonError::into_inner),
            order,
        );
        let count = slabs.len();
        self.left.store(count, Ordering::Release);
        self.pile().todo.append(slabs);
        let called = self.helpers.load(Ordering::Acquire);
        for _ in called + 1..workers {
            self.helpers.fetch_add(1, Ordering::AcqRel);
            let team = Arc::clone(self);
            rayon::spawn(move || {
                team.help();
                team.helpers.fetch_sub(1, Ordering::AcqRel);
            });
        }
        self.help();
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
    fn help(&self) {
        loop {
            let Some(mut slab) = self.pile().todo.pop() else {
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
