package findings

// calendar says who must be looked at again when a month or a day has come. Who puts it off stays
// listed, and is listed anew only when the earlier time has come: so putting off costs nothing.
type calendar[T ~int32] struct {
	on map[T][]uint32
	of []entry[T] // by number
}

// entry says until when one waits, and where that counts; anytime: it does not.
type entry[T ~int32] struct {
	at     T // when it is looked at
	listed T // where in on it counts: not after that
}

func newCalendar[T ~int32]() calendar[T] {
	return calendar[T]{on: map[T][]uint32{}}
}

// anytime is after every time.
const anytime = 1<<31 - 1

// set has one looked at when the time has come, and not before.
func (c *calendar[T]) set(number uint32, at T) {
	for int(number) >= len(c.of) {
		c.of = append(c.of, entry[T]{anytime, anytime})
	}
	e := &c.of[number]
	e.at = at
	if at < e.listed {
		e.listed = at
		c.on[at] = append(c.on[at], number)
	}
}

// due appends those whose time has come, and forgets them.
func (c *calendar[T]) due(all []uint32, now T) []uint32 {
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
