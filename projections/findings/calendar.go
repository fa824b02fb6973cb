package findings

// calendar says who must be looked at again when a month or a day has come. Each is in it once, or
// earlier ones are not meant any more.
type calendar[T ~int32] struct {
	on map[T][]uint32
	of []T // by number; anytime: it does not wait
}

func newCalendar[T ~int32]() calendar[T] {
	return calendar[T]{on: map[T][]uint32{}}
}

// anytime is after every time.
const anytime = 1<<31 - 1

// set has one looked at when the time has come, or before.
func (c *calendar[T]) set(number uint32, at T) {
	for int(number) >= len(c.of) {
		c.of = append(c.of, anytime)
	}
	if c.of[number] <= at {
		return
	}
	c.of[number] = at
	c.on[at] = append(c.on[at], number)
}

// due appends those whose time has come, and forgets them.
func (c *calendar[T]) due(all []uint32, now T) []uint32 {
	for at, numbers := range c.on { // who is due is brought in order by whoever asks
		if at > now {
			continue
		}
		for _, number := range numbers {
			if c.of[number] == at {
				c.of[number] = anytime
				all = append(all, number)
			}
		}
		delete(c.on, at)
	}
	return all
}
