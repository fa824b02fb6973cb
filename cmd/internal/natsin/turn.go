package natsin

// inTurn divides what waits into what is taken now and the rest, both in the order of arrival.
// Where not all fits, the first message of each publisher comes before the second of any, and so
// on: who sends much waits behind himself alone. At least one message is taken. Both may be parts
// of the memory of waiting, which the caller no longer uses.
func inTurn(waiting []arrived, messagesMax, bytesMax int) (taken, rest []arrived) {
	count, size := 0, 0
	for count < min(len(waiting), messagesMax) {
		if size += waiting[count].size(); size > bytesMax && count > 0 {
			break
		}
		count++
	}
	order, several := byTurn(waiting, count)
	if !several {
		return waiting[:count:count], waiting[count:]
	}
	chosen := make([]bool, len(waiting))
	count, size = 0, 0
	for _, place := range order {
		size += waiting[place].size()
		if count == messagesMax || size > bytesMax && count > 0 {
			break
		}
		chosen[place] = true
		count++
	}
	taken, rest = make([]arrived, 0, count), make([]arrived, 0, len(waiting)-count)
	for i := range waiting {
		if chosen[i] {
			taken = append(taken, waiting[i])
		} else {
			rest = append(rest, waiting[i])
		}
	}
	return taken, rest
}

// byTurn returns the places of messages in the order in which their publishers have a turn, and
// whether that differs from their arrival: not where all fit, nor where they are of one publisher.
// It counts and places, and so needs no sorting.
func byTurn(waiting []arrived, fit int) (order []int, several bool) {
	if fit == len(waiting) {
		return nil, false
	}
	turns := make([]int, len(waiting)) // the how many-th each is of its publisher, from 0
	of := map[string]int{}
	for i := range waiting {
		name := waiting[i].Publisher
		turns[i] = of[name]
		of[name]++
	}
	if len(of) == 1 {
		return nil, false
	}
	from := make([]int, len(waiting)+1) // where the messages of each turn begin
	for _, turn := range turns {
		from[turn+1]++
	}
	for turn := 1; turn < len(from); turn++ {
		from[turn] += from[turn-1]
	}
	order = make([]int, len(waiting))
	for i, turn := range turns {
		order[from[turn]] = i
		from[turn]++
	}
	return order, true
}
