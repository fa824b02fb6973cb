package table

// Sparkline draws values as blocks, from 0 to the largest, a character a value. Values below 0 are
// drawn as 0. It begins at 0 and not at the smallest, so that a small change looks small.
func Sparkline(values []int64) string {
	const blocks = "▁▂▃▄▅▆▇█"
	steps := []rune(blocks)
	var largest int64 = 1
	for _, v := range values {
		largest = max(largest, v)
	}
	line := make([]rune, len(values))
	for i, v := range values {
		line[i] = steps[max(v, 0)*int64(len(steps)-1)/largest]
	}
	return string(line)
}

// Thin picks at most so many of the values, evenly, the last one included: that is what is the case
// now. Fewer are returned as they are, and not copied.
func Thin(values []int64, most int) []int64 {
	if len(values) <= most {
		return values
	}
	picked := make([]int64, most)
	for i := range picked {
		picked[i] = values[(i+1)*len(values)/most-1]
	}
	return picked
}
