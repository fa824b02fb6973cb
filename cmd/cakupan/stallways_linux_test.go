package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// stallWay is something that once held up everybody.
type stallWay struct {
	name    string
	disk    string // options of a small disk of its own
	flags   []string
	prepare func(s *stalled) // what it stands on
	// begin does it until ctx ends, in a process of its own; underWay tells whether it is done as
	// far as it is let.
	begin    func(ctx context.Context, l *loud, done *sync.WaitGroup)
	underWay func(s *stalled) bool
}

func stallWays() []stallWay {
	return []stallWay{
		{
			name: "slow bodies", begin: slowBodies("loud"),
			underWay: func(s *stalled) bool { return s.toldSo("429") >= s.sizes.Bodies-256 },
		},
		{
			name:     "slow bodies of several",
			begin:    slowBodies("loud", "loud-0", "loud-1", "loud-2", "loud-3", "loud-4"),
			underWay: func(s *stalled) bool { return s.toldSo("429") > 0 },
		},
		{
			name: "idle streams", begin: idleStreams,
			underWay: func(s *stalled) bool { return s.toldSo("429") >= s.sizes.Streams-12 },
		},
		{
			name: "consumers", begin: manyConsumers,
			underWay: func(s *stalled) bool { return s.toldSo("refused") == s.sizes.Readers-8 },
		},
		{
			name: "flood by NATS", begin: flood,
			underWay: func(s *stalled) bool { return s.toldSo("stored") > 1_000 },
		},
		{
			name: "gzip of many lines", begin: manyLines,
			underWay: func(s *stalled) bool { return s.toldSo("stream.refused") > 0 },
		},
		{
			name: "long series", begin: longSeries,
			underWay: func(s *stalled) bool { return s.toldSo("200") > 0 },
		},
		{
			name: "replays", begin: replays,
			underWay: func(s *stalled) bool { return s.toldSo("asked") > 1 },
		},
		{
			name: "other long questions", begin: longQuestions,
			underWay: func(s *stalled) bool { return s.toldSo("200") > 0 },
		},
		{
			name: "refusals on a small disk", disk: "size=450m", begin: refusals,
			flags:    []string{"--refused-count", "1000"},
			underWay: func(s *stalled) bool { return s.toldSo("stored") > 50 },
		},
		{
			name: "dear events", prepare: grants, begin: dearEvents,
			underWay: func(s *stalled) bool { return s.toldSo("200")+s.toldSo("429") > 2 },
		},
		{
			name: "dear events by NATS", prepare: grants, begin: dearMessages,
			underWay: func(s *stalled) bool { return s.toldSo("stored") > 2 },
		},
	}
}

// loudEvent is an event of loud.
func loudEvent(id, kind, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"urn:loud","type":"id.cakupan.%s.v1","data":%s}`,
		id, kind, data)
}

// grants opens enrolments and grants each of them a year of one commitment.
func grants(s *stalled) {
	var lines strings.Builder
	lines.WriteString(loudEvent("c", "funding.committed", `{"commitment":"c","funder":"75.03","funding":"APBD",`+
		`"fiscalYear":2026,"heads":1,"months":12,"tariff":16800,"ceiling":201600,"from":"2026-01",`+
		`"until":"2027-01","basis":"budget"}`) + "\n")
	for i := range s.sizes.Grants {
		lines.WriteString(loudEvent(fmt.Sprintf("o-%d", i), "enrolment.opened", fmt.Sprintf(
			`{"enrolment":"g-%d","worker":"v-%d","region":"75.03","segment":"PU","category":"PRIVATE",`+
				`"programmes":["JKK"],"payer":"APBD","from":"2020-01-01"}`, i, i)) + "\n")
		lines.WriteString(loudEvent(fmt.Sprintf("g-%d", i), "funding.granted", fmt.Sprintf(
			`{"enrolment":"g-%d","commitment":"c","from":"2026-01","until":"2027-01"}`, i)) + "\n")
	}
	if status, answer := s.do("loud", "POST", "/v1/events", lineEvents, lines.String()); status != 200 ||
		strings.Contains(answer, `"refused"`) {
		s.t.Fatalf("%d %.300s", status, answer)
	}
}
