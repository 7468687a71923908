//! Queues of keys, linked through arrays: every key is in one of some queues at the most.

const NONE: u32 = u32::MAX;

/// Who is beside whom, for all the queues that share it.
#[derive(Debug)]
pub struct Links {
    newer: Vec<u32>,
    older: Vec<u32>,
}

impl Links {
    /// For so many keys.
    pub fn new(keys: usize) -> Self {
        Self {
            newer: vec![NONE; keys],
            older: vec![NONE; keys],
        }
    }

    /// The key that was put in next.
    pub fn newer(&self, key: u32) -> Option<u32> {
        some(self.newer[key as usize])
    }
}

fn some(key: u32) -> Option<u32> {
    (key != NONE).then_some(key)
}

/// A queue, and the bytes of its keys.
#[derive(Debug)]
pub struct Queue {
    newest: u32,
    oldest: u32,
    /// Bytes of all keys.
    pub bytes: u64,
}

impl Queue {
    /// An empty one.
    pub fn new() -> Self {
        Self {
            newest: NONE,
            oldest: NONE,
            bytes: 0,
        }
    }

    /// The key that has been in it for longest.
    pub fn oldest(&self) -> Option<u32> {
        some(self.oldest)
    }

    /// Puts a key in.
    pub fn push(&mut self, links: &mut Links, key: u32, bytes: u64) {
        links.older[key as usize] = self.newest;
        links.newer[key as usize] = NONE;
        match some(self.newest) {
            Some(newest) => links.newer[newest as usize] = key,
            None => self.oldest = key,
        }
        self.newest = key;
        self.bytes += bytes;
    }

    /// Takes a key out that is in it.
    pub fn take(&mut self, links: &mut Links, key: u32, bytes: u64) {
        let (newer, older) = (links.newer[key as usize], links.older[key as usize]);
        match some(newer) {
            Some(newer) => links.older[newer as usize] = older,
            None => self.newest = older,
        }
        match some(older) {
            Some(older) => links.newer[older as usize] = newer,
            None => self.oldest = newer,
        }
        self.bytes -= bytes;
    }
}
