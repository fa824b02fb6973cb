package findings

// calendar says who must be looked at again when a month or a day has come. Who puts it off stays
// listed, and is listed anew only when the earlier time has come: so putting off costs nothing.
type calendar[T ~int32] struct {
	on     map[T][]uint32
	of     []T // by number; anytime: it does not wait
	listed []T // by number: where in on it counts; anytime: nowhere
}

func newCalendar[T ~int32]() calendar[T] {
	return calendar[T]{on: map[T][]uint32{}}
}

// anytime is after every time.
const anytime = 1<<31 - 1

// set has one looked at when the time has come, and not before.
func (c *calendar[T]) set(number uint32, at T) {
	for int(number) >= len(c.of) {
		c.of, c.listed = append(c.of, anytime), append(c.listed, anytime)
	}
	c.of[number] = at
	if at < c.listed[number] {
		c.listed[number] = at
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
			if c.listed[number] != at {
				continue // it was listed for earlier after that
			}
			c.listed[number] = anytime
			if later := c.of[number]; later > now {
				c.set(number, later)
				continue
			}
			c.of[number] = anytime
			all = append(all, number)
		}
		delete(c.on, at)
	}
	return all
}
