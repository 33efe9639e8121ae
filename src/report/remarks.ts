/** A remark with the namespace of the tenant whom it concerns. */
export const tellRemark = ({ text, namespace }: { text: string; namespace?: string | undefined }): string =>
  namespace ? `namespace ${namespace}: ${text}` : text
