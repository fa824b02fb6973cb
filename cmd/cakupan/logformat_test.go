package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"cakupan/cmd/internal/problem"
)

// TestLogFormat: where the log is JSON, why a program does not start is a record of it too.
func TestLogFormat(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"serve", "--listen", "0.0.0.0:0"}, {"nats", "--name", "n0", "--listen", "0.0.0.0:0"},
	} {
		args = slices.Concat(args, []string{"--data", t.TempDir(), "--log-format", "json"})
		code, stdout, stderr := runCommand(t, args...)
		if code != problem.ExitUsage || stdout != "" || stderr == "" {
			t.Errorf("%v: exit %d, %q", args, code, stdout)
		}
		for line := range strings.Lines(stderr) {
			var record struct{ Level, Code string }
			if err := json.Unmarshal([]byte(line), &record); err != nil || record.Level == "" {
				t.Errorf("%v says %q: %v", args, line, err)
			}
		}
	}
}
