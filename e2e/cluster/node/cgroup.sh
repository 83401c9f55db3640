# The node's own control group: every process of the node is in it, so limits
# of pods work, nothing of the host is touched, and whatever is left over after
# a crash can be found and ended without any record of it.

# cgroup1_hierarchies: "cpu,cpuacct", "memory", "name=systemd", ... one a line.
cgroup1_hierarchies() { awk -F: '$2 != "" { print $2 }' /proc/self/cgroup; }

# on_cgroup2: asks the kernel and not /sys, which is empty while the node sets it up.
on_cgroup2() { [ -z "$(cgroup1_hierarchies)" ]; }

# cgroup_folders: where the node's group lies: one folder, or one for each v1 hierarchy.
cgroup_folders() {
  local hierarchy
  if on_cgroup2; then
    echo "/sys/fs/cgroup/$cgroup_name"
    return
  fi
  cgroup1_hierarchies | while read -r hierarchy; do
    echo "/sys/fs/cgroup/${hierarchy#name=}/$cgroup_name"
  done
}

# cgroup_join: makes the groups and moves the calling shell into them. In v2 a
# group has either processes or groups with limits: the launcher gets a leaf.
cgroup_join() {
  local folder file
  if on_cgroup2; then
    folder=$(cgroup_folders)
    mkdir -p "$folder"/{launcher,node}
    cgroup2_delegate /sys/fs/cgroup
    cgroup2_delegate "$folder"
    echo 0 >"$folder/launcher/cgroup.procs"
    return
  fi
  while read -r folder; do
    mkdir -p "$folder"
    for file in cpuset.cpus cpuset.mems; do # empty in a new group, which then takes no process
      [ ! -f "$folder/$file" ] || cat "$folder/../$file" >"$folder/$file"
    done
    echo 0 >"$folder/cgroup.procs"
  done < <(cgroup_folders)
}

# cgroup_enter: moves the node's first process to where its view shall begin.
cgroup_enter() {
  ! on_cgroup2 || echo 0 >"$(cgroup_folders)/node/cgroup.procs"
}

# cgroup2_delegate FOLDER: lets the groups below FOLDER use its controllers.
cgroup2_delegate() {
  local controller
  for controller in cpu memory pids cpuset io; do
    case $controller in
    cpuset | io) grep -qw "$controller" "$1/cgroup.controllers" || continue ;; # not every kernel has them
    esac
    echo "+$controller" >"$1/cgroup.subtree_control" ||
      fail "the control group $1 does not hand out its \"$controller\" controller: run this outside of a container"
  done
}

# cgroup_mount: inside the node, on a fresh /sys, shows only what is below its own group.
cgroup_mount() {
  local hierarchy folder controller
  if on_cgroup2; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
    mkdir -p /sys/fs/cgroup/system
    echo 0 >/sys/fs/cgroup/system/cgroup.procs
    cgroup2_delegate /sys/fs/cgroup
    return
  fi
  local hierarchies
  hierarchies=$(cgroup1_hierarchies)
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  for hierarchy in $hierarchies; do
    folder=/sys/fs/cgroup/${hierarchy#name=}
    mkdir "$folder"
    case $hierarchy in
    name=*) mount -t cgroup -o "none,$hierarchy" cgroup "$folder" ;;
    *) mount -t cgroup -o "$hierarchy" cgroup "$folder" ;;
    esac
    for controller in ${hierarchy//,/ }; do # cpu -> cpu,cpuacct
      [ -e "/sys/fs/cgroup/${controller#name=}" ] || ln -s "$folder" "/sys/fs/cgroup/$controller"
    done
  done
}

# cgroup_empty: ends every process of the node and removes its groups.
cgroup_empty() {
  local folder limit=$((SECONDS + 20))
  while read -r folder; do
    until remove_groups "$folder"; do
      [ "$SECONDS" -lt "$limit" ] || fail "these processes of the node do not end: $(cgroup_processes "$folder" | xargs)"
      cgroup_processes "$folder" | xargs -r kill -9 2>/dev/null || true
      sleep 0.05
    done
  done < <(cgroup_folders)
}

# cgroup_forget: frees what the kernel still keeps of groups that are gone. The
# memory group of a container stays as long as a page of a file is cached that
# the container was the first to read. A run of the tests leaves thousands, which
# cost up to two thirds of the processors' time.
cgroup_forget() {
  [ ! -w /proc/sys/vm/drop_caches ] || echo 3 >/proc/sys/vm/drop_caches
}

cgroup_processes() { find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null; }

# remove_groups FOLDER: true once it is gone; a group that still has a process stays.
remove_groups() {
  [ -d "$1" ] || return 0
  find "$1" -depth -type d -exec rmdir {} \; 2>/dev/null || true
  [ ! -d "$1" ]
}
