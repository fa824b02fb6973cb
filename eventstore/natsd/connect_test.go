package natsd

import (
	"testing"
)

// TestConnectWhileReplaced connects while one server takes the place of another, again and again: who is cut
// off before he was answered is connected to the next one.
func TestConnectWhileReplaced(t *testing.T) {
	s, err := Start(Options{StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		var err error
		for n := 0; err == nil && n < 3; n++ {
			err = s.Reopen(t.Context())
		}
		done <- err
	}()
	for count := 0; ; count++ {
		conn, err := s.ConnectStore()
		if err != nil {
			t.Fatalf("connection %d: %v", count+1, err)
		}
		conn.Close()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			t.Logf("%d connections", count+1)
			if err := s.Shutdown(); err != nil {
				t.Error(err)
			}
			return
		default:
		}
	}
}
