# SPDX-License-Identifier: BSD-2-Clause
# What scenarios use. Port N is ethN and /dev/ptpN, in the namespace nN of its own once `node N` was called.

# --- the guest ---

# busybox has its own, and prefers it
ip() {
	/bin/ip "$@"
}

# node N...: a namespace for each port, with addresses
node() {
	local n
	for n; do
		ip netns add "n$n"
		ip link set "eth$n" netns "n$n"
		in_node "$n" ip link set lo up
		in_node "$n" sysctl -qw net.ipv6.conf.all.accept_dad=0 "net.ipv6.conf.eth$n.accept_dad=0"
		in_node "$n" ip address add "192.0.2.$((n + 1))/24" dev "eth$n"
		in_node "$n" ip address add "fd00::$((n + 1))/64" dev "eth$n"
		in_node "$n" ip link set "eth$n" up
	done
}

# in_node N command...
in_node() {
	local n=$1
	shift
	ip netns exec "n$n" "$@"
}

# start NAME command...: in the background, output to NAME.log
start() {
	local name=$1 n
	shift
	if [ "$1" = in_node ]; then # whose process would be the shell's child
		n=$2
		shift 2
		set -- /bin/ip netns exec "n$n" "$@"
	fi
	exec "$@" > "$name.log" 2>&1 &
	echo $! > "/run/pids/$name"
}

# stop NAME
stop() {
	kill "$(cat "/run/pids/$1")"
	sleep 0.5
}

# --- the hardware ---

# knob port0/link 0
knob() {
	echo "$2" > "/bed/$1"
}

# crystal N ppb: a NIC's plain crystal, so much wrong, that wanders by 0.3 ppb per sqrt(s)
crystal() {
	knob "port$1/osc_ppt" "$2000"
	knob "port$1/wander_ppt" 300
}

# mark NAME: an event's true time for the judge, in `marks`
mark() {
	echo "$1 $(cut -d ' ' -f 1 /bed/now)" >> marks
}

# gnss NAME VALUE: a knob of the receiver's serial side (tools/gnss_pty.c)
gnss() {
	mkdir -p /run/gnss
	echo "$2" > "/run/gnss/$1"
}

# start_receiver [N]: /dev/gnssN gives sentences once a second
start_receiver() {
	start "gnss${1:-0}" gnss_pty "/dev/gnss${1:-0}"
	sleep 0.2
}

# until_fraction MS: sleeps until so much of a true second has passed
until_fraction() {
	local ns
	ns=$(cut -c 11-19 /bed/now)
	usleep $((($1 * 1000 + 1000000 - (1$ns - 1000000000) / 1000) % 1000000))
}

# leap_file: /run/leap has what is in force since 2017, valid for a year
leap_file() {
	local tai ntp
	tai=$(cut -c 1-10 /bed/now)
	ntp=$((tai - 37 + 2208988800))
	printf '#$\t%d\n#@\t%d\n3692217600\t37\t# 1 Jan 2017\n' "$ntp" "$((ntp + 31536000))" > /run/leap
}

# --- gmd ---

# start_gpsd N: in the node, for the receiver; it answers when this returns
start_gpsd() {
	start gpsd in_node "$1" gpsd -N -n -b -S 2947 /dev/gnss0
	sleep 1
}

# start_gmd N [SECTION = { ... };]...: on ethN with pulses at pin 0 and what is given, which takes the place of a
# section below; its status four times a second in gmd.status, each line "true time, JSON"
start_gmd() {
	local n=$1 section
	shift
	[ -e /run/leap ] || leap_file
	{
		echo "$*"
		echo 'control = { socket = "/run/gmd.control"; };'
		for section in 'ptp = { profile = "st2059-2"; };' 'leap = { file = "/run/leap"; };' \
			'pulse = { type = "extts"; };' "ports = ( { interface = \"eth$n\"; timestamping = \"hardware\"; } );"; do
			case "$*" in
			*"${section%% *} ="*) ;;
			*) echo "$section" ;;
			esac
		done
	} > gmd.conf
	start gmd in_node "$n" gmd -f gmd.conf
	if [ ! -e gmd.status ]; then # it outlives a gmd
		true > gmd.status
		watch_gmd 2> /dev/null &
	fi
}

watch_gmd() {
	local tai status
	while sleep 0.25; do
		gmctl -s /run/gmd.control --json watch 0.25 | while read -r status; do
			read -r tai _ < /bed/now
			echo "$tai $status" >> gmd.status
		done
	done
}

# gmd_report [NAME]: what gmd says now, for the judge's report(NAME)
gmd_report() {
	local what
	for what in clock gnss holdover host ports alarms; do
		gmctl -s /run/gmd.control --json "$what" > "${1:-end}.$what.json"
	done
}

# --- peers ---

# start_ts2phc N DEVICE: drives the port's clock by pulses at pin 0 and the NMEA of DEVICE
start_ts2phc() {
	[ -e /run/leap ] || leap_file
	cat > ts2phc.conf <<-END
		[global]
		leapfile /run/leap
		ts2phc.nmea_serialport $2
		[eth$1]
		ts2phc.pin_index 0
		ts2phc.channel 0
		ts2phc.extts_polarity rising
	END
	start ts2phc in_node "$1" ts2phc -f ts2phc.conf -s nmea -m -l 7
}

# start_ptp4l NAME N INTERFACE: at ST 2059-2's rates; further options behind
start_ptp4l() {
	local name=$1 n=$2 interface=$3
	shift 3
	start "$name" in_node "$n" ptp4l -H -i "$interface" -m --uds_address "/run/$name" --logAnnounceInterval 0 \
		--logSyncInterval -3 --logMinDelayReqInterval -3 "$@"
}

# start_client N: a ptp4l that follows gmd; further options behind
start_client() {
	local n=$1
	shift
	start_ptp4l "client$n" "$n" "eth$n" -s --domainNumber 127 "$@"
}

# gmd_alone [SECTION...]: gmd on port 0 with pulses of 10 ns jitter
gmd_alone() {
	node 0
	crystal 0 3000
	knob receiver0/jitter_ns 10
	start_receiver
	start_gpsd 0
	start_gmd 0 "$@"
}

# gmd_and_client [SECTION...]: and a client on port 1 (client_options)
gmd_and_client() {
	node 1
	crystal 1 -7000
	gmd_alone "$@"
	start_client 1 ${client_options:-}
}
