#!/bin/sh
# A study on Slurm: `sim sweep --launcher slurm` on a private cluster of two nodes on the loopback
# device, a shard cancelled, its controller killed, the study submitted again: the same bytes as from
# one process. Needs neither root nor systemd nor munge; exit code 77 (skipped) without Slurm.
#   slurm_test.sh SIM
set -eu
sim=$1
export PATH="$PATH:/usr/sbin:/sbin"

for tool in slurmctld slurmd sbatch scancel scontrol sinfo; do
  if ! command -v $tool >/dev/null; then
    echo "skipped: no $tool; Debian packages slurmctld slurmd slurm-client slurm-wlm-basic-plugins"
    exit 77
  fi
done

dir=$(mktemp -d)
ctld_pid= node_pids=
cleanup() {
  scancel --user "$(id -un)" 2>/dev/null || true
  # shellcheck disable=SC2086  # a list
  kill -9 $ctld_pid $node_pids 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT
fail() {
  echo "FAILED: $*"
  tail -n 20 "$dir"/*.log "$dir"/s/shards/*.log "$dir"/s/merge.log 2>/dev/null || true
  exit 1
}

# --- the cluster: daemons of this user, without authentication, on ports of this process
port=$((20000 + $$ % 10000 * 3))
mkdir -p "$dir/state" "$dir/n0" "$dir/n1"
cat >"$dir/slurm.conf" <<END
ClusterName=nibble
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort=$port
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/none
CredType=cred/none
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MailProg=/bin/true
MpiDefault=none
ReturnToService=2
DebugFlags=NO_CONF_HASH
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,batch_sched_delay=0
NodeName=n0 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=1
NodeName=n1 NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=1
PartitionName=all Nodes=n0,n1 Default=YES State=UP
END
echo "CgroupPlugin=cgroup/v1" >"$dir/cgroup.conf"
export SLURM_CONF="$dir/slurm.conf"

start_controller() {
  slurmctld -D >>"$dir/slurmctld.log" 2>&1 &
  ctld_pid=$!
}
wait_for() {  # wait_for SECONDS COMMAND...
  tries=$(($1 * 5))
  shift
  while ! "$@" >/dev/null 2>&1; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || return 1
    sleep 0.2
  done
}
both_idle() { [ "$(sinfo -h -N -o '%T' | grep -c idle)" = 2 ]; }

start_controller
for node in n0 n1; do
  slurmd -D -N $node >"$dir/slurmd-$node.log" 2>&1 &
  node_pids="$node_pids $!"
done
wait_for 20 both_idle || fail "the cluster did not come up"

# --- the study: 40 points with their bits
cd "$dir"
"$sim" compile --builtin mobilenet_v3_small --resolution 32 --count 1 -o net.trc >/dev/null
cat >plan.cfg <<END
trace = net.trc
platform = accel, nearmem
[datapath]
block = 8..128 x2
weights = nvfp4, fp8, fp16, int8
END
"$sim" sweep plan.cfg --out local -q || fail "a study here"

submit() { "$sim" sweep plan.cfg --out s -j 1 --launcher slurm --shards 4 --slurm-args "--time=5"; }
complete() { "$sim" sweep status s; }
some_rows() { "$sim" sweep status s | grep -q 'ok [1-9]'; }
submit | tee submitted.txt
job=$(sed -n 's/^submitted job \([0-9]*\) .*/\1/p' submitted.txt)
[ -n "$job" ] || fail "no job number"
wait_for 20 some_rows || fail "no shard came to a row"
scancel "${job}_1"
kill -9 "$ctld_pid"
if complete; then fail "the study was over before anything could be killed"; fi
# It has lost its youngest jobs, and would give their numbers again, to the confusion of the nodes.
echo "FirstJobId=1000" >>"$SLURM_CONF"
start_controller
wait_for 20 sinfo -h || fail "the controller did not come back"

# What a user does: look, submit again, until nothing is missing.
for attempt in 1 2 3 4 5; do
  scancel --user "$(id -un)" 2>/dev/null || true
  submit
  if wait_for 10 complete; then break; fi
  echo "attempt $attempt: $("$sim" sweep status s | sed -n 2p)"
done
complete >status.txt || fail "the study did not complete: $(cat status.txt)"
merged() { [ -e s/ledger.db ] && [ -s s/merge.log ]; }
wait_for 10 merged || fail "the merge job did not run"

for study in local s; do "$sim" sweep export $study --csv $study.csv --json $study.json; done
cmp local.csv s.csv && cmp local.json s.json || fail "other bytes than from one process"
grep -q ',ok,' s.csv || fail "no row is ok"
echo "the same bytes: $(wc -c <s.csv) B of CSV, $(wc -c <s.json) B of JSON"
