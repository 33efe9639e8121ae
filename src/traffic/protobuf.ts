// The messages of plumbline.Echo (fixtures/app/server.mjs), written by hand: three fields each, and the agent's program
// has to fit into a ConfigMap. The wire format: https://protobuf.dev/programming-guides/encoding.

/** The request of plumbline.Echo: field 1 a text, 2 how many answers, 3 the milliseconds between them. */
export interface EchoRequest {
  text: string
  count?: number
  everyMs?: number
}

/** The answer of plumbline.Echo: field 1 the text, 2 its number, 3 the pod. */
export interface EchoAnswer {
  text: string
  number: number
  pod: string
}

/** The bytes of a request, framed as gRPC has it: not compressed, the length, the message. */
export function encodeEcho({ text, count = 0, everyMs = 100 }: EchoRequest): Buffer {
  const body = Buffer.concat([textField(1, text), numberField(2, count), numberField(3, everyMs)])
  const head = Buffer.alloc(5)
  head.writeUInt32BE(body.length, 1)
  return Buffer.concat([head, body])
}

/** Takes whole messages off the front of what has come so far, and gives them with what is left. */
export function decodeEchoes(bytes: Buffer): { answers: EchoAnswer[]; rest: Buffer } {
  const answers: EchoAnswer[] = []
  let rest = bytes
  for (;;) {
    if (rest.length < 5) return { answers, rest }
    const length = rest.readUInt32BE(1)
    if (rest.length < 5 + length) return { answers, rest }
    const fields = readFields(rest.subarray(5, 5 + length))
    answers.push({ text: String(fields[1] ?? ''), number: Number(fields[2] ?? 0), pod: String(fields[3] ?? '') })
    rest = rest.subarray(5 + length)
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128)
  return Buffer.from([...bytes, value])
}

const textField = (field: number, text: string): Buffer =>
  Buffer.concat([varint((field << 3) | 2), varint(Buffer.byteLength(text)), Buffer.from(text)])
const numberField = (field: number, value: number): Buffer => Buffer.concat([varint(field << 3), varint(value)])

function readFields(message: Buffer): Record<number, string | number> {
  const fields: Record<number, string | number> = {}
  let at = 0
  const read = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++] ?? 0
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  while (at < message.length) {
    const key = read()
    const value = read()
    if ((key & 7) === 0) fields[key >> 3] = value
    else {
      fields[key >> 3] = message.toString('utf8', at, at + value)
      at += value
    }
  }
  return fields
}
