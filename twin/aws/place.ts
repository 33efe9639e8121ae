// Where the twin's AWS is, and the names it has there.
export const REGION = 'eu-west-1'
export const ACCOUNT = '000000000000'
export const CLUSTER = 'plumbline'
export const VPC = 'vpc-0123456789abcdef0'
