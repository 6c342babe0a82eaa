/* Counters of interfaces by sysctl, in 64 bits and not rounded. */
#ifndef DARWIN_NET_IF_MIB_H
#define DARWIN_NET_IF_MIB_H

#include <stddef.h>
#include <stdint.h>

#define NETLINK_GENERIC 0
#define IFMIB_IFALLDATA 3
#define IFDATA_GENERAL 1

#pragma pack(push, 4)
struct if_data64 {
    uint8_t ifi_type;
    uint8_t reserved_lengths[7];
    uint32_t ifi_mtu;
    uint32_t ifi_metric;
    uint64_t ifi_baudrate;
    uint64_t ifi_ipackets;
    uint64_t ifi_ierrors;
    uint64_t ifi_opackets;
    uint64_t ifi_oerrors;
    uint64_t ifi_collisions;
    uint64_t ifi_ibytes;
    uint64_t ifi_obytes;
    uint64_t ifi_imcasts;
    uint64_t ifi_omcasts;
    uint64_t ifi_iqdrops;
    uint8_t reserved_end[24];
};
_Static_assert(sizeof(struct if_data64) == 128, "struct if_data64");
_Static_assert(offsetof(struct if_data64, ifi_ipackets) == 24, "ifi_ipackets");
_Static_assert(offsetof(struct if_data64, ifi_opackets) == 40, "ifi_opackets");
_Static_assert(offsetof(struct if_data64, ifi_ibytes) == 64, "ifi_ibytes");
_Static_assert(offsetof(struct if_data64, ifi_obytes) == 72, "ifi_obytes");

struct ifmibdata {
    char ifmd_name[16];
    uint32_t ifmd_pcount;
    uint32_t ifmd_flags;
    uint8_t reserved_queue[28];
    struct if_data64 ifmd_data; /* not aligned to 8 */
};
_Static_assert(sizeof(struct ifmibdata) == 180, "struct ifmibdata");
_Static_assert(offsetof(struct ifmibdata, ifmd_flags) == 20, "ifmd_flags");
_Static_assert(offsetof(struct ifmibdata, ifmd_data) == 52, "ifmd_data");
#pragma pack(pop)

#endif
