//! Bodies in the index: small ones themselves, and the lists of segments that make up long ones.

use std::collections::HashSet;

use super::{BODIES, OBJECTS, PARTS, SEGMENTS, SegmentValue, Snapshot, Tables, VERSIONS, decode};
use crate::store::error::StoreError;
use crate::store::record::{Body, BodyId, ObjectRecord, OlderRecord, PartRecord, Place, Segment};

/// Files that no index entry names any more.
#[derive(Debug)]
pub(crate) struct Released {
    /// The list they were in: a reader of it may still be on its way to them.
    pub(crate) list: Option<BodyId>,
    pub(crate) files: Vec<BodyId>,
}

impl Tables<'_> {
    /// Keeps a small body in the index.
    pub(crate) fn put_body(&mut self, id: BodyId, bytes: &[u8]) -> Result<(), StoreError> {
        self.bodies.insert(id.0, bytes)?;
        Ok(())
    }

    /// Makes one body of several, each given with its length, without touching their bytes. Their own lists are
    /// dissolved.
    pub(crate) fn join(&mut self, bodies: &[(Body, u64)]) -> Result<Body, StoreError> {
        let filled: Vec<_> = bodies.iter().filter(|(_, length)| *length > 0).collect();
        if let [] | [_] = filled.as_slice() {
            return Ok(filled.first().map_or(Body::Empty, |(body, _)| *body));
        }
        // The first list, if there is one, grows: so an object that is appended to keeps its list.
        let mut rest = filled.into_iter().peekable();
        let (list, mut offset) = match rest.next_if(|(body, _)| matches!(body, Body::Many(_))) {
            Some((Body::Many(list), length)) => (*list, *length),
            _ => (BodyId::random(), 0),
        };
        for (body, _) in rest {
            for segment in self.dissolve(*body)? {
                self.segments.insert((list.0, offset), segment_value(segment))?;
                offset += segment.length;
            }
        }
        Ok(Body::Many(list))
    }

    /// Drops a body of which no entry is left.
    pub(crate) fn release(&mut self, body: Body) -> Result<(), StoreError> {
        let list = match body {
            Body::Many(list) => Some(list),
            Body::Empty | Body::One(_) => None,
        };
        let mut files = Vec::new();
        for segment in self.dissolve(body)? {
            match segment.place {
                Place::File => files.push(segment.id),
                Place::Index => {
                    self.bodies.remove(segment.id.0)?;
                }
            }
        }
        if !files.is_empty() {
            self.released.push(Released { list, files });
        }
        Ok(())
    }

    /// A body's segments; a list is taken out of the index.
    fn dissolve(&mut self, body: Body) -> Result<Vec<Segment>, StoreError> {
        match body {
            Body::Empty => Ok(Vec::new()),
            Body::One(segment) => Ok(vec![segment]),
            Body::Many(list) => {
                let range = (list.0, 0)..=(list.0, u64::MAX);
                let extracted = self
                    .segments
                    .extract_from_if::<(u128, u64), _>(range, |_, _| true)?;
                extracted.map(|entry| Ok(segment(entry?.1.value()))).collect()
            }
        }
    }
}

impl Snapshot {
    /// The bytes of a small body.
    pub(crate) fn body(&self, id: BodyId) -> Result<Option<Vec<u8>>, StoreError> {
        let table = self.transaction.open_table(BODIES)?;
        Ok(table.get(id.0)?.map(|bytes| bytes.value().to_vec()))
    }

    /// The segment of a list that holds the byte at an offset, and where it begins.
    pub(crate) fn segment_at(&self, list: BodyId, offset: u64) -> Result<Option<(u64, Segment)>, StoreError> {
        let table = self.transaction.open_table(SEGMENTS)?;
        let mut before = table.range::<(u128, u64)>((list.0, 0)..=(list.0, offset))?;
        let last = before.next_back().transpose()?;
        Ok(last
            .map(|(key, value)| (key.value().1, segment(value.value())))
            .filter(|(start, segment)| offset < start + segment.length))
    }

    /// Every body file that an entry names.
    pub(crate) fn live_files(&self) -> Result<HashSet<BodyId>, StoreError> {
        let mut live = HashSet::new();
        let mut add = |body| {
            if let Body::One(segment) = body
                && segment.place == Place::File
            {
                live.insert(segment.id);
            }
        };
        for entry in self.transaction.open_table(OBJECTS)?.range::<&[u8]>(..)? {
            let (place, value) = entry?;
            let object: ObjectRecord = decode(&String::from_utf8_lossy(place.value()), value.value())?;
            add(object.content.body);
        }
        for entry in self.transaction.open_table(VERSIONS)?.range::<(&[u8], u64)>(..)? {
            let (key, value) = entry?;
            if let OlderRecord::Object(object) =
                decode(&String::from_utf8_lossy(key.value().0), value.value())?
            {
                add(object.content.body);
            }
        }
        for entry in self.transaction.open_table(PARTS)?.range::<(&str, u16)>(..)? {
            let (key, value) = entry?;
            add(decode::<PartRecord>(key.value().0, value.value())?.content.body);
        }
        for entry in self.transaction.open_table(SEGMENTS)?.range::<(u128, u64)>(..)? {
            let segment = segment(entry?.1.value());
            if segment.place == Place::File {
                live.insert(segment.id);
            }
        }
        Ok(live)
    }
}

const IN_FILE: u8 = 0;
const IN_INDEX: u8 = 1;

fn segment_value(segment: Segment) -> SegmentValue {
    let place = match segment.place {
        Place::File => IN_FILE,
        Place::Index => IN_INDEX,
    };
    (segment.id.0, segment.length, place)
}

fn segment((id, length, place): SegmentValue) -> Segment {
    Segment {
        id: BodyId(id),
        length,
        place: if place == IN_INDEX {
            Place::Index
        } else {
            Place::File
        },
    }
}
