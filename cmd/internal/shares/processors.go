package shares

import (
	"os"
	"runtime"
)

// processors is what the runtime uses from the start.
var processors = runtime.GOMAXPROCS(0)

// Processors returns how many processors the program has to share.
func Processors() int { return processors }

// sparePlaces are places to run beyond the processors: one for who waits for the disk, which keeps
// his place for a while, one for who is to be answered at once, and two for what goes on beside
// them: folds that follow the log, and the collection of memory, take a place each.
const sparePlaces = 4

// Spare has the runtime use more places to run than there are processors. While all of them are in
// use by what takes long, the runtime looks at the network only every 10 ms, and has what came wait
// for a turn as long; with one that is free, who asks little is woken at once, and the operating
// system gives him a processor before others. It is called once, by a program that answers others;
// what is set in the environment stays.
func Spare() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(processors + sparePlaces)
	}
}
