import type { Saboteur } from '../src/sabotage/saboteur.ts'
import { valueOf } from '../src/survey/fact.ts'
import type { Ref } from '../src/survey/survey.ts'
import { theKnative } from '../src/survey/surveyed.ts'

/** The Gateway by which Knative's external traffic comes. */
export async function knativeGateway(saboteur: Saboteur): Promise<Ref> {
  const [first] = valueOf((await theKnative(saboteur)).gateways).external
  return first!
}
