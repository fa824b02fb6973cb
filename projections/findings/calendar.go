package findings

// calendar says who must be looked at again when a month or a day has come. Who puts it off stays
// listed, and is listed anew only when the earlier time has come: so putting off costs nothing.
//
// One is listed at one time that counts, and may be listed at later ones that do not any more. A
// time that has passed is dropped with its list: each is looked at once. It is not stored, but made
// from who waits for what when the fold is loaded.
type calendar[T ~int32] struct {
	on     map[T][]uint32
	of     []entry[T] // by number
	latest T          // the time that was listed last, and who is on it: not in on
	those  []uint32
}

// entry says until when one waits, and where that counts; anytime: it does not. At is never before
// listed.
type entry[T ~int32] struct {
	at     T // when it is looked at
	listed T // where in on it counts: not after that
}

// newCalendar returns one in which nobody waits.
func newCalendar[T ~int32]() calendar[T] {
	return calendar[T]{on: map[T][]uint32{}, latest: anytime}
}

// anytime is after every time. No day and no month lies there.
const anytime = 1<<31 - 1

// set has one looked at when the time has come, and not before. A time that has come already is due
// with the next one that passes.
func (c *calendar[T]) set(number uint32, at T) {
	for int(number) >= len(c.of) {
		c.of = append(c.of, entry[T]{anytime, anytime})
	}
	e := &c.of[number]
	e.at = at
	// A later time than the listed one changes no list: due lists it anew when the earlier one
	// comes.
	if at < e.listed {
		e.listed = at
		c.list(at, number)
	}
}

// list lists one on a time: mostly that of the one before.
func (c *calendar[T]) list(at T, number uint32) {
	if at != c.latest {
		c.put()
		c.latest, c.those = at, c.on[at]
	}
	c.those = append(c.those, number)
}

// put puts those of the latest time to the others.
func (c *calendar[T]) put() {
	if c.latest != anytime {
		c.on[c.latest] = c.those
	}
	c.latest, c.those = anytime, nil
}

// due appends those whose time has come, and forgets them. Their order is that of a map, and none:
// see settle.
func (c *calendar[T]) due(all []uint32, now T) []uint32 {
	c.put()
	for at, numbers := range c.on { // who is due is brought in order by whoever asks
		if at > now {
			continue
		}
		for _, number := range numbers {
			e := &c.of[number]
			if e.listed != at {
				continue // it was listed for earlier after that
			}
			e.listed = anytime
			if e.at > now {
				c.set(number, e.at)
				continue
			}
			e.at = anytime
			all = append(all, number)
		}
		delete(c.on, at)
	}
	return all
}
