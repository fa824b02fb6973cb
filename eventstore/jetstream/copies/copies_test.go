package copies

import (
	"errors"
	"testing"
)

// TestFirstOfMost tells what most of three servers have, and that it is unknown where two are silent.
func TestFirstOfMost(t *testing.T) {
	for name, test := range map[string]struct {
		firsts       []uint64 // of who has answered
		last         uint64
		number, next uint64
		silent       bool
	}{
		"all have it":                                  {firsts: []uint64{4, 4, 4}, last: 9, number: 4},
		"one has lost it":                              {firsts: []uint64{4, 6, 4}, last: 9, number: 4},
		"two have not, and have another one":           {firsts: []uint64{4, 6, 6}, last: 9, next: 6},
		"two have none":                                {firsts: []uint64{4, 0, 12}, last: 9},
		"nobody has any":                               {firsts: []uint64{0, 0, 0}},
		"a silent one may have it":                     {firsts: []uint64{0, 4}, number: 4},
		"one alone may have it":                        {firsts: []uint64{0, 0}},
		"one alone may have it before the range's end": {firsts: []uint64{12, 12}, last: 9},
		"two are silent, and one has none":             {firsts: []uint64{12}, last: 9, silent: true},
		"two are silent, and one has it":               {firsts: []uint64{4}, last: 9, silent: true},
		"all are silent":                               {silent: true},
	} {
		spans := map[string]Span{}
		for n, first := range test.firsts {
			spans[string(rune('a'+n))] = Span{First: first}
		}
		number, next, err := firstOfMost(spans, 3, test.last)
		if number != test.number || next != test.next || errors.Is(err, ErrSilent) != test.silent {
			t.Errorf("%s: %d, %d, %v", name, number, next, err)
		}
	}
	if number, next, err := firstOfMost(nil, 0, 9); number != 0 || next != 0 || err != nil {
		t.Errorf("without a cluster: %d, %d, %v", number, next, err)
	}
}
