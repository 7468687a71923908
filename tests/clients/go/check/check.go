// Package check is what the programs in this folder share: where the server is, and how a check ends.
package check

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// Address is where the server listens.
func Address() string { return "127.0.0.1:" + os.Getenv("LARDER_PORT") }

func fail(format string, arguments ...any) {
	_, file, line, _ := runtime.Caller(2)
	fmt.Fprintf(os.Stderr, "%s:%d: %s\n", file, line, fmt.Sprintf(format, arguments...))
	os.Exit(1)
}

// Equal ends the program unless got is wanted.
func Equal(got, wanted any) {
	if !reflect.DeepEqual(got, wanted) {
		fail("wanted %#v, got %#v", wanted, got)
	}
}

// Ok ends the program if there is an error.
func Ok(err error) {
	if err != nil {
		fail("%v", err)
	}
}

// Fails ends the program unless there is an error that says text.
func Fails(err error, text string) {
	if err == nil || !strings.Contains(err.Error(), text) {
		fail("wanted an error with %q, got %v", text, err)
	}
}

// Until waits until the condition holds, for at most ten seconds.
func Until(what string, condition func() bool) {
	for end := time.Now().Add(10 * time.Second); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			fail("waited in vain: %s", what)
		}
	}
}

// Done prints the one line that tells what was checked.
func Done(module, told string) {
	info, _ := debug.ReadBuildInfo()
	for _, dependency := range info.Deps {
		if dependency.Path == module {
			fmt.Printf("%s %s: %s\n", module, dependency.Version, told)
			return
		}
	}
	fail("%s is no part of this program", module)
}
