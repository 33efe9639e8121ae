import { createSocket, type Socket } from 'node:dgram'
import { decode, encode, type Answer, type Packet } from 'dns-packet'
import type { Cloud } from './cloud.ts'

const SERVERS = ['ns-1.awsdns-twin.com', 'ns-2.awsdns-twin.com']
const TTL = 60

/** The DNS servers of the twin's AWS in one: they know the names of its load balancers, and each other. */
export function dnsServer(cloud: Cloud, address: string): Socket {
  const socket = createSocket('udp4')
  socket.on('message', (message, from) => {
    const query = decode(message)
    const answers = (query.questions ?? []).flatMap(({ name, type }) => answersTo(cloud, address, name, type))
    const packet: Packet = {
      type: 'response',
      id: query.id ?? 0,
      // 3 is NXDOMAIN.
      flags: 0x0480 | (answers.length ? 0 : 3),
      questions: query.questions ?? [],
      answers,
    }
    socket.send(encode(packet), from.port, from.address)
  })
  return socket
}

function answersTo(cloud: Cloud, address: string, name: string, type: string): Answer[] {
  if (type === 'NS') return name === cloud.dnsZone ? SERVERS.map((data) => ({ type: 'NS', name, ttl: TTL, data })) : []
  if (type !== 'A') return []
  const addresses = SERVERS.includes(name) ? [address] : cloud.addressesOf(name)
  return addresses.map((data) => ({ type: 'A', name, ttl: TTL, data }))
}
