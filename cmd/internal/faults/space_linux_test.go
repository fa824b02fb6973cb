package faults

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A seed is played in namespaces of its own: processes, mounts and network. What it leaves behind
// ends with them, and it needs no rights outside.
//
// Each part has the address 127.77.0.N, which is one of this machine for the program, so that it
// needs no certificates; here they go over a wire (route_localnet), which can be cut. The driver is
// 127.77.0.1, and all wires end at it.

const (
	disksAt  = "/run/disks"
	clocksAt = "/run/clocks"
	diskSize = "512m"
	diskMax  = 100_000  // inodes
	roomLeft = 64 << 10 // of a disk that is nearly full
	driverIP = "127.77.0.1"
)

// apart are the attributes of a process in namespaces of its own, which ends with this one.
func apart() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
	}
	if os.Getuid() != 0 {
		attributes.Cloneflags |= syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return attributes
}

// missing returns why seeds cannot be played here, empty if they can.
func missing() string {
	for _, tool := range []string{"ip", "iptables", "nsenter", "mount"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "no " + tool + " on this machine"
		}
	}
	probe := exec.Command("mount", "-t", "tmpfs", "none", "/run")
	probe.SysProcAttr = apart()
	if output, err := probe.CombinedOutput(); err != nil {
		return fmt.Sprintf("no namespaces on this machine: %v %s", err, output)
	}
	return ""
}

// tool runs a command of the system.
func tool(name string, args ...string) error {
	output, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, output)
	}
	return nil
}

// tools runs commands, a line each, up to the first that fails.
func tools(lines string) error {
	for line := range strings.Lines(lines) {
		words := strings.Fields(line)
		if err := tool(words[0], words[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// routable lets addresses of this machine be sent over wires, in the network of this process.
func routable() error {
	for name, value := range map[string]string{
		"ip_forward": "1", "conf/all/route_localnet": "1", "conf/default/route_localnet": "1",
	} {
		err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0o600)
		if err != nil {
			return fmt.Errorf("prepare the network: %w", err)
		}
	}
	return nil
}

// makeSpace prepares the driver's own namespaces.
func makeSpace() error {
	err := tools(`mount --make-rprivate /
		mount -t proc proc /proc
		mount -t tmpfs none /run
		ip link set lo up
		ip addr flush dev lo
		ip addr add 127.0.0.1/32 dev lo
		ip addr add ` + driverIP + `/32 dev lo`)
	return errors.Join(err, routable(), os.MkdirAll("/run/netns", 0o755),
		os.MkdirAll(clocksAt, 0o755))
}

// wire gives a part a network of its own.
func wire(name, address string) error {
	in := "ip -n " + name + " "
	return tools(`ip netns add ` + name + `
		ip link add ` + name + ` type veth peer name eth0 netns ` + name + `
		ip link set ` + name + ` up
		` + in + `link set lo up
		` + in + `link set eth0 up
		ip netns exec ` + name + ` sysctl -qw net.ipv4.conf.all.route_localnet=1
		` + in + `addr flush dev lo
		` + in + `addr add 127.0.0.1/32 dev lo
		` + in + `addr add ` + address + `/32 dev eth0
		` + in + `route add 127.77.0.0/24 dev eth0 src ` + address + `
		sysctl -qw net.ipv4.conf.` + name + `.proxy_arp=1
		ip route add ` + address + `/32 dev ` + name + ` src ` + driverIP)
}

// mountDisk gives a part a disk of its own: one in memory, which can be made full, or for a file
// system with a journal one in a file, of which the power can be cut.
func mountDisk(name, system string) error {
	disk := filepath.Join(disksAt, name)
	if err := os.MkdirAll(disk, 0o755); err != nil {
		return err
	}
	if system == "" {
		return tool("mount", "-t", "tmpfs", "-o", "size="+diskSize, name, disk)
	}
	image := disk + ".img"
	if _, err := os.Stat(image); errors.Is(err, os.ErrNotExist) {
		if err := tools("truncate -s " + diskSize + " " + image +
			"\nmkfs." + system + " -q " + image); err != nil {
			return err
		}
	}
	return tool("mount", "-t", system, "-o", "loop", image, disk)
}

// cutPower has a file system forget what it was not made to write, and take nothing any more. It is
// EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN, without a last look at the journal.
func cutPower(disk string) error {
	const shutdown, withoutJournal = 0x8004587d, 2
	root, err := os.Open(disk)
	if err != nil {
		return err
	}
	err = unix.IoctlSetPointerInt(int(root.Fd()), shutdown, withoutJournal)
	return errors.Join(err, root.Close())
}

// cut has nothing pass between a part and all others, but for the driver.
func cut(address string, off bool) error {
	how := "-I"
	if !off {
		how = "-D"
	}
	return tools("iptables -w " + how + " FORWARD -s " + address + " -j DROP\n" +
		"iptables -w " + how + " FORWARD -d " + address + " -j DROP")
}

// resize gives a part's disk hardly more room than it uses, or as much as it had.
func resize(disk string, bytes, inodes bool) error {
	options := fmt.Sprintf("remount,size=%s,nr_inodes=%d", diskSize, diskMax)
	var now syscall.Statfs_t
	if err := syscall.Statfs(disk, &now); err != nil {
		return err
	}
	if bytes {
		used := (now.Blocks - now.Bfree) * uint64(now.Bsize)
		options = fmt.Sprintf("remount,size=%d", used+roomLeft)
	}
	if inodes {
		options = fmt.Sprintf("remount,nr_inodes=%d", now.Files-now.Ffree+1)
	}
	return tool("mount", "-o", options, disk)
}
